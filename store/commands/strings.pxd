# annotation_typing=True: functions that take any number of words have their types from their annotations alone
from store.commands.lookups cimport string_for_write
from store.database cimport Database
from store.tx cimport Tx
