from store.keyspace cimport Database, Keyspace

cdef class Tx:
    cdef public object engine, session
    cdef public Keyspace keyspace
    cdef public Database db
    cpdef log(self, bytes event, int db)
