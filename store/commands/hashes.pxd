from store.keyspace cimport Database, Keyspace
from store.tx cimport Tx
