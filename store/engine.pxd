cimport cython
from store.client.session cimport Session
from store.client.tracking cimport Tracking
from store.clock cimport Clock
from store.commands.table cimport Command
from store.gates cimport Gates
from store.entry cimport Entry
from store.keyspace cimport Keyspace
from store.log.buffer cimport EventBuffer
from store.observe.slowlog cimport SlowLog
from store.observe.stats cimport Stats
from store.turn cimport Turn
from store.tx cimport Tx

cdef long long _QUEUEING, _RESTRICTED

cdef class Engine:
    cdef object __weakref__
    cdef public object settings, bus, blocking, internal, topology, waiting, rates, slices, latency, switches, users, node
    cdef public object scripts, local_keys, loading
    cdef public list on_log
    cdef public bint expiring_actively
    cdef public EventBuffer log
    cdef public Clock clock
    cdef public Stats stats
    cdef public Gates gates
    cdef public Tracking tracking
    cdef public SlowLog slowlog
    cdef public Keyspace keyspace
    cdef public dict commands, spelled, monitors, sessions
    cdef public Turn turn
    cdef public int depth
    cdef public bint unlogged, primary
    cdef public long long reign
    @cython.locals(command=Command)
    cpdef execute(self, Session session, list argv)
    @cython.locals(command=Command, argv=list, session=Session, replies=list)
    cpdef list execute_queued(self, Tx tx, list queued)
    cpdef object failed(self, Session session, object error)
    @cython.locals(row=Command, conditions="long long")
    cpdef object admit(self, Session session, Command command, list argv)
    @cython.locals(keyspace=Keyspace, started="long long", mark=Py_ssize_t)
    cpdef object call(self, Tx tx, Command command, list argv)
    cpdef before(self, Tx tx, Command command, list argv)
    @cython.locals(duration="long long", log=EventBuffer)
    cpdef after(self, Tx tx, Command command, list argv, Py_ssize_t mark, long long started)
    @cython.locals(command=Command, container=Command)
    cpdef Command find(self, list argv)
    @cython.locals(now="long long", entry=Entry)
    cpdef expire_keys(self, Tx tx, list keys, bint to_write=*)
