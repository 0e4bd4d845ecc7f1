# annotation_typing=True: functions that take any number of words have their types from their annotations alone
from store.database cimport Database
from store.primitives cimport quick_float
from store.values.sorted_set cimport SortedSet
