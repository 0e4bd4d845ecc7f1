from store.values.packed cimport Packed
from store.values.packed_scores cimport PackedScores

cpdef put_entry(bytearray out, object entry)
cpdef bytes encode_listpack(object entries)
cpdef bytes encode_packed(Packed value)
cpdef bytes encode_scores(object pairs)
cpdef bytes encode_packed_scores(PackedScores value)
cpdef list cut_nodes(object members, Py_ssize_t most_bytes, Py_ssize_t most_members, Py_ssize_t longest)
cpdef bytes format_score(double score)
