cimport cython
from store.entry cimport Entry, collection, cost_of, keep, size_of, value_of
from store.keyspace cimport Keyspace
from store.table cimport Table
from store.values.base cimport Value

cdef class Database:
    cdef public Keyspace keyspace
    cdef public int index
    cdef public Table entries
    cdef public list deadlines, walks
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
    cpdef Entry put(self, bytes key, object value, bint keep_deadline=*, long long changes=*)
    @cython.locals(entry=Entry)
    cpdef Entry _added(self, bytes key, object value)
    @cython.locals(keyspace=Keyspace, before=Py_ssize_t, old=Value)
    cpdef exchange(self, Entry entry, object value)
    cpdef _account(self, Value value)
    @cython.locals(entry=Entry)
    cpdef object open(self, bytes key, object kind)
    @cython.locals(keyspace=Keyspace)
    cpdef edited(self, bytes key, Value value, int notice_class, bytes notice, long long changes=*)
    cpdef resized(self, bytes key, Py_ssize_t growth, long long changes=*)
    cpdef Entry remove(self, bytes key, long long changes=*)
    @cython.locals(entry=Entry, last=Entry, value=Value)
    cpdef Entry detach(self, bytes key, long long changes=*)
    @cython.locals(entry=Entry)
    cpdef set_deadline(self, bytes key, long long deadline, long long changes=*)
    @cython.locals(entry=Entry)
    cpdef bint clear_deadline(self, bytes key)
    cpdef _clear_deadline(self, Entry entry)
    cpdef rebuild_deadlines(self)
    @cython.locals(keyspace=Keyspace)
    cpdef touched(self, bytes key, long long changes=*)
