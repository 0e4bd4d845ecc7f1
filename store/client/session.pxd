cimport cython
from store.caller cimport Caller
from store.client.watching cimport Watching
from store.commands.table cimport Command
from store.engine cimport Engine
from store.observe.stats cimport Stats
from store.resp.codec cimport Parser
from store.resp.encoded cimport Encoded
from store.tx cimport Tx
from store.turn cimport Turn

cdef long long _IN_TRANSACTION

cdef class Session(Caller):
    cdef object __weakref__
    cdef public Engine engine
    cdef public Parser parser
    cdef public object transport
    cdef public Tx tx
    cdef public Encoded out
    cdef public int resp, muted, fd
    cdef public long long conditions, net_input, net_output, created_ms, active_ms, number
    cdef public bint direct, behind, in_turn, halted, closing
    cdef public bint may_block, aborted, is_local, is_unix, authenticated, scripted, no_evict
    cdef public Command last_command
    cdef public Watching watching
    cdef public list transaction
    cdef public object backlog, name, address, local_address, user, tracking, role, feed, library
    cdef public object _subscriptions
    cdef public double soft_limit_since
    @cython.locals(stats=Stats, size=Py_ssize_t)
    cpdef data_received(self, bytes data)
    @cython.locals(engine=Engine, parser=Parser, argv=list)
    cpdef _run(self)
    @cython.locals(parser=Parser)
    cpdef _check_parser(self)
    @cython.locals(wrote=bint)
    cpdef reply(self, object reply)
    cpdef tuple take_output(self)
    @cython.locals(out=Encoded, size=Py_ssize_t, sent=Py_ssize_t)
    cpdef flush(self)
    cpdef send(self, bytes data)
    @cython.locals(stats=Stats)
    cpdef _count(self, Py_ssize_t size)
    cpdef bint _caught_up(self)
    cpdef bint _judged(self)
    cpdef begin_transaction(self)
    cpdef str queue_command(self, Command command, list argv)
    cpdef object transaction_commands(self)
    cpdef end_transaction(self)
