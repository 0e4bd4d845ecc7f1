# annotation_typing=True: functions that take any number of words have their types from their annotations alone
from store.arguments cimport parse_int
from store.database cimport Database
from store.primitives cimport write_integer
from store.tx cimport Tx
from store.values.list cimport List, bounds
