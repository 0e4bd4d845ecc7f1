cimport cython
from store.entry cimport Entry
from store.values.base cimport Value

@cython.locals(entry=Entry)
cpdef Entry new_entry(bytes key, object value, Py_ssize_t slot, long long access)
cpdef long long cost_of(object value)
cpdef long long counted_cost(object value)

cdef class Database:
    cdef public Keyspace keyspace
    cdef public int index
    cdef public dict entries
    cdef public list order, deadlines, walks
    cdef public Py_ssize_t expiring
    @cython.locals(entry=Entry)
    cpdef Entry live(self, bytes key)
    @cython.locals(entry=Entry)
    cpdef object peek(self, bytes key)
    @cython.locals(entry=Entry, keyspace=Keyspace)
    cpdef object get(self, bytes key)
    cpdef object string(self, bytes key)
    cpdef object typed(self, bytes key, object kind)
    @cython.locals(entry=Entry, keyspace=Keyspace)
    cpdef Entry put(self, bytes key, object value, bint keep_deadline=*)
    @cython.locals(entry=Entry)
    cpdef object open(self, bytes key, object kind)
    @cython.locals(keyspace=Keyspace)
    cpdef edited(self, bytes key, Value value, int notice_class, bytes notice, long long changes=*)
    cpdef resized(self, bytes key, Py_ssize_t growth)
    @cython.locals(entry=Entry, last=Entry)
    cpdef Entry remove(self, bytes key)
    @cython.locals(entry=Entry, moved=Entry, deadline="long long", access="long long")
    cpdef Entry detach(self, bytes key)
    @cython.locals(entry=Entry)
    cpdef set_deadline(self, bytes key, long long deadline)
    @cython.locals(entry=Entry)
    cpdef bint clear_deadline(self, bytes key)
    cpdef _clear_deadline(self, Entry entry)
    cpdef rebuild_deadlines(self)
    @cython.locals(keyspace=Keyspace)
    cpdef touched(self, bytes key)

cdef class Keyspace:
    cdef public long long now, used, dirty, hits, misses, access_clock, fresh_access, freed
    cdef public object lfu, limits, on_notify, on_publish, on_touch, on_flush
    cdef public bint counting, touching
    cdef public int notify_classes, notice_class
    cdef public object notice
    cdef public dict watched, waiting, ready, functions, pinned
    cdef public set kept
    cdef public list graveyard, databases
    cpdef notify(self, Database db, int notice_class, bytes notice, bytes key, bint renamed=*)
    cpdef discard(self, Value value)
