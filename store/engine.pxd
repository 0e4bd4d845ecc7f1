from store.clock cimport Clock
from store.commands.table cimport Command
from store.gates cimport Gates
from store.client.session cimport Session
from store.observe.slowlog cimport SlowLog
from store.observe.stats cimport Stats
from store.client.tracking cimport Tracking
from store.keyspace cimport Keyspace
from store.log.buffer cimport EventBuffer
from store.turn cimport Turn
from store.tx cimport Tx

cdef class Engine:
    cdef dict __dict__
    cdef public object settings
    cdef public EventBuffer log
    cdef public Clock clock
    cdef public Stats stats
    cdef public Gates gates
    cdef public Tracking tracking
    cdef public SlowLog slowlog
    cdef public Keyspace keyspace
    cdef public dict commands, monitors
    cdef public Turn turn
    cdef public int depth
    cpdef execute(self, Session session, list argv)
    cpdef tuple admit(self, Session session, list argv)
    cpdef object call(self, Tx tx, Command command, list argv)
    cpdef before(self, Tx tx, Command command, list argv)
    cpdef after(self, Tx tx, Command command, list argv, Py_ssize_t mark, long long started)
    cpdef Command find(self, list argv)
