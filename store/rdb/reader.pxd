cimport cython
from store.database cimport Database
from store.entry cimport Entry
from store.keyspace cimport Keyspace
from store.rdb.primitives cimport Cursor
from store.rdb.quick cimport Entries

cdef class RdbLoader:
    cdef public object keyspace, report
    cdef public bint done
    cdef bint _replace, _check_crc, _begun, _seen_databases
    cdef Cursor _cursor
    cdef list _pieces
    cdef Py_ssize_t _waiting, _wanted
    cdef object _crc, _idle, _frequency
    cdef Database _database
    cdef object _db
    cdef Entries _entries
    cdef long long _deadline, _strings, _hashes, _zsets, _lists, _sets, _expiring
    cpdef _read_parts(self)
    @cython.locals(cursor=Cursor, entries=Entries, start=Py_ssize_t, kind=int)
    cpdef _read_entries(self)
    cpdef _read_part(self)
    cpdef _read_entry(self, int type_byte)
    cpdef _keep_string(self, bytes key, bytes value, Py_ssize_t start)
    cpdef _keep(self, bytes key, object value, Py_ssize_t start)
    cpdef Database _chosen(self, Py_ssize_t start)
    cpdef _put(self, Database db, bytes key, object value, Py_ssize_t start)
