cimport cython
from store.primitives cimport call_with
from store.caller cimport Caller
from store.engine cimport Engine
from store.database cimport Database
from store.keyspace cimport Keyspace
from store.resp.encoded cimport encode_words

cdef class Tx:
    cdef public Engine engine
    cdef public Caller session
    cdef public Keyspace keyspace
    cdef public Database db
    cpdef object enter(self, tuple event)
    @cython.locals(keyspace=Keyspace)
    cpdef object enter_as(self, bytes notice, tuple event, int notice_class=*)
    @cython.locals(engine=Engine)
    cpdef log(self, tuple event, int db)
    @cython.locals(event=tuple)
    cpdef object publish(self, bytes channel, bytes message, bint sharded=*)
