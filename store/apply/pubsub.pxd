from store.keyspace cimport Database
