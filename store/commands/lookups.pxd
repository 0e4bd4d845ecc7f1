cimport cython
from store.database cimport Database
from store.keyspace cimport Keyspace
from store.tx cimport Tx
from store.values.base cimport Value

@cython.locals(keyspace=Keyspace)
cpdef object glance(Database db, bytes key, bint notify=*)
cpdef object string_part(Database db, bytes key)
@cython.locals(keyspace=Keyspace)
cpdef object read_for_write(Tx tx, bytes key)
cpdef object string_for_write(Tx tx, bytes key)
