cimport cython
from store.primitives cimport bit_length
from store.client.session cimport Session
from store.clock cimport Clock
from store.engine cimport Engine
from store.log.buffer cimport EventBuffer

cdef class Turn:
    cdef public Engine engine
    cdef public long long buffered
    cdef public long long[64] batches
    cdef long long _commands
    cdef public object assurance, last, send
    cdef public list _sessions
    cdef public object _held
    cdef object _loop, _ending
    cdef public bint _scheduled
    cpdef join(self, Session session)
    cpdef schedule(self)
    @cython.locals(engine=Engine, session=Session, sessions=list, log=EventBuffer, written=bint, hold=bint)
    cpdef end(self)
    @cython.locals(clock=Clock, started="long long")
    cpdef bint _commit(self, EventBuffer log, object before=*)
    @cython.locals(commands="long long")
    cpdef _count(self)
