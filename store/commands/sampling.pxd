from store.values.hash cimport Hash
from store.values.set cimport Set

cpdef bytes pick(object collection)
