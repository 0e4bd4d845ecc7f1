from store.arguments cimport parse_int
from store.commands.lookups cimport string_part
from store.keyspace cimport Database
from store.primitives cimport write_integer
from store.tx cimport Tx

cdef object _add(Tx tx, bytes key, object increment)
