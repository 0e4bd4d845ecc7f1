cdef class Entry:
    cdef public bytes key
    cdef public object value
    cdef public long long deadline
    cdef public object access
    cdef public Py_ssize_t slot

cpdef object cost_of(object value)

cdef class Database:
    cdef public Keyspace keyspace
    cdef public int index
    cdef public dict entries
    cdef public list order, deadlines
    cdef public Py_ssize_t expiring
    cpdef Entry live(self, bytes key)
    cpdef object peek(self, bytes key)
    cpdef object get(self, bytes key)
    cpdef object string(self, bytes key)
    cpdef Entry put(self, bytes key, object value, bint keep_deadline=*)
    cpdef touched(self, bytes key)

cdef class Keyspace:
    cdef dict __dict__
    cdef public long long now, used, dirty, hits, misses
    cdef public object access_clock, fresh_access, lfu, limits, on_notify, on_publish
    cdef public bint counting, touching
    cdef public int notify_classes, notice_class
    cdef public object notice
    cdef public dict watched, waiting, ready
    cdef public list graveyard, databases
    cpdef notify(self, Database db, int notice_class, bytes notice, bytes key, bint renamed=*)
