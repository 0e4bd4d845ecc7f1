from store.commands.table cimport Command
from store.engine cimport Engine
from store.tx cimport Tx
from store.turn cimport Turn

cdef class Session:
    cdef dict __dict__
    cdef object __weakref__
    cdef public Engine engine
    cdef public object transport, parser
    cdef public Tx tx
    cdef public int resp, muted
    cdef public long long conditions, net_input, net_output, created_ms, active_ms, number, write_offset
    cdef public list out, written
    cdef public bint in_turn, wrote, halted, closing, may_block
    cdef public Command last_command
    cpdef data_received(self, bytes data)
    cpdef _run(self, list requests)
    cpdef reply(self, object reply)
    cpdef tuple take_output(self)
    cpdef flush(self)
    cpdef send(self, bytes data)
