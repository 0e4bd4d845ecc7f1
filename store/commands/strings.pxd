from store.commands.lookups cimport string_for_write
from store.keyspace cimport Database
from store.tx cimport Tx
