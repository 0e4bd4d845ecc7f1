cimport cython
from store.caller cimport Caller
from store.commands.table cimport Command
from store.engine cimport Engine
from store.observe.stats cimport Stats
from store.resp.codec cimport Parser, encode
from store.tx cimport Tx
from store.turn cimport Turn

cdef class Session(Caller):
    cdef object __weakref__
    cdef public Engine engine
    cdef public Parser parser
    cdef public object transport
    cdef public Tx tx
    cdef public int resp, muted, fd
    cdef public long long conditions, net_input, net_output, created_ms, active_ms, number
    cdef public list out, written
    cdef public bint in_turn, halted, closing, may_block, aborted, touched, is_local, is_unix, authenticated, scripted, no_evict
    cdef public Command last_command
    cdef public object backlog, name, transaction, watching, address, local_address, user, tracking, role, feed, library
    cdef public object _subscriptions
    cdef public double soft_limit_since
    @cython.locals(stats=Stats, size=Py_ssize_t)
    cpdef data_received(self, bytes data)
    @cython.locals(engine=Engine, parser=Parser, place=Py_ssize_t)
    cpdef _run(self, list requests)
    @cython.locals(parser=Parser)
    cpdef _check_parser(self)
    cpdef reply(self, object reply)
    cpdef tuple take_output(self)
    @cython.locals(data=bytes)
    cpdef flush(self)
    @cython.locals(stats=Stats, size=Py_ssize_t)
    cpdef send(self, bytes data)
    cpdef begin_transaction(self)
    cpdef str queue_command(self, Command command, list argv)
    cpdef object transaction_commands(self)
    cpdef end_transaction(self)
    cpdef unwatch(self)
