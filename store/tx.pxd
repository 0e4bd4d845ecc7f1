from store.engine cimport Engine
from store.keyspace cimport Database, Keyspace

cdef class Tx:
    cdef public Engine engine
    cdef public object session
    cdef public Keyspace keyspace
    cdef public Database db
    cpdef log(self, bytes event, int db)
