# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of packs.py: listpacks made into the values that they stand for, small ones without an object but the value.

Law: what is made is what the plain code (`decode`) makes; where it would find something wrong, nothing is made.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from store.decimal cimport write_decimal
from store.rdb.read_listpack cimport Item, count_said, next_item, text_of
from store.values.hash cimport Hash
from store.values.sorted_set cimport SortedSet

cdef extern from "Python.h":
    double PyOS_string_to_double(const char* text, char** end, PyObject* overflow) except? -1.0

cdef enum:
    LONGEST_SCORE = 63
    FEW_PAIRS = 128  # up to which each field or member is compared with those before
    LARGEST_BLOCK = 65535  # of `values.packed`
    LONGEST_ITEM = 255  # of a block of `values.packed`

cdef uint8_t[2 * FEW_PAIRS * (LONGEST_ITEM + 1)] _block  # a hash or a sorted set in the making

cdef double[23] _TENS
cdef int _power
for _power in range(23):
    _TENS[_power] = 10.0 ** _power  # exact in a double


cpdef list listpack_entries(bytes blob):
    """The entries of a listpack; None if something is wrong with it."""
    cdef list entries = []
    return entries if fill_list(<const uint8_t*>PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob), entries) else None


cdef bint fill_list(const uint8_t* pack, Py_ssize_t size, list entries) except -1:
    """Append the entries of a listpack; False if something is wrong with it."""
    cdef Py_ssize_t said = count_said(pack, size), place = 6, count = 0
    cdef Item item
    if said < 0:
        return False
    while place < size - 1:
        place = next_item(pack, place, size - 1, &item)
        if place < 0:
            return False
        entries.append(text_of(&item))
        count += 1
    return said == 0xFFFF or said == count


# ── hashes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef object hash_of(const uint8_t* pack, Py_ssize_t size):
    """Make a hash of a listpack; None if something is wrong with it."""
    made = _small_hash(pack, size)
    return _other_hash(pack, size) if made is None else made


cdef object _small_hash(const uint8_t* pack, Py_ssize_t size):
    """Make a hash of a listpack of few pairs, item by item into its block (see values.packed); None if it is no such."""
    cdef Py_ssize_t said = count_said(pack, size), place = 6, count = 0, used = 0, longest = 0, other
    cdef Item item
    cdef Hash made
    if said < 2 or said > 2 * FEW_PAIRS or said & 1:
        return None
    while place < size - 1:
        place = next_item(pack, place, size - 1, &item)
        if place < 0 or count == said:
            return None
        if item.text == NULL:
            item.size = write_decimal(<char*>&_block[used + 1], item.number)
        elif item.size > LONGEST_ITEM:
            return None
        else:
            memcpy(&_block[used + 1], item.text, item.size)
        _block[used] = <uint8_t>item.size
        if not count & 1:
            other = 0
            while other < used:  # a field that is there already
                if _block[other] == item.size and memcmp(&_block[other + 1], &_block[used + 1], item.size) == 0:
                    return None
                other += _block[other] + 1
                other += _block[other] + 1
        longest = max(longest, item.size)
        used += item.size + 1
        count += 1
    if count != said or used > LARGEST_BLOCK:
        return None
    made = Hash.__new__(Hash)
    made._fill_raw(_block, used, count, longest)
    return made


cdef object _other_hash(const uint8_t* pack, Py_ssize_t size):
    """Make a hash of a listpack; None if something is wrong with it."""
    cdef Py_ssize_t said = count_said(pack, size), place = 6, count = 0
    cdef Item field, value
    cdef dict fields = {}
    if said < 0:
        return None
    while place < size - 1:
        place = next_item(pack, place, size - 1, &field)
        if place < 0 or place >= size - 1:
            return None
        place = next_item(pack, place, size - 1, &value)
        if place < 0:
            return None
        fields[text_of(&field)] = text_of(&value)
        count += 2
    if not count or (said != 0xFFFF and said != count) or 2 * len(fields) != count:
        return None
    return Hash(fields)


# ── sorted sets ───────────────────────────────────────────────────────────────────────────────────────────────────────
cdef object zset_of(const uint8_t* pack, Py_ssize_t size):
    """Make a sorted set of a listpack; None if something is wrong with it."""
    made = _small_zset(pack, size)
    return _other_zset(pack, size) if made is None else made


cdef object _small_zset(const uint8_t* pack, Py_ssize_t size):
    """Make a sorted set of a listpack of few pairs in order, in its block (see values.packed_scores); None if it is no such."""
    cdef Py_ssize_t said = count_said(pack, size), place = 6, count = 0, used = 0, longest = 0, other, before = -1
    cdef Item item, text
    cdef double score = 0, last = 0
    cdef uint8_t* at
    cdef SortedSet made
    if said < 2 or said > 2 * FEW_PAIRS or said & 1:
        return None
    while place < size - 1:
        place = next_item(pack, place, size - 1, &item)
        if place < 0 or place >= size - 1 or 2 * count == said:
            return None
        place = next_item(pack, place, size - 1, &text)
        if place < 0 or not _score(&text, &score):
            return None
        at = &_block[used]
        if item.text == NULL:
            item.size = write_decimal(<char*>at + 9, item.number)
        elif item.size > LONGEST_ITEM - 8:
            return None
        else:
            memcpy(at + 9, item.text, item.size)
        at[0] = <uint8_t>(8 + item.size)
        score += 0.0  # turns -0.0 into 0.0
        memcpy(at + 1, &score, 8)
        other = 0
        while other < used:  # a member that is there already
            if _block[other] == at[0] and memcmp(&_block[other + 9], at + 9, item.size) == 0:
                return None
            other += _block[other] + 1
        if before >= 0 and (score < last or (score == last and _less(at, &_block[before]))):
            return None  # not in order: to be sorted
        last, before = score, used
        longest = max(longest, item.size)
        used += item.size + 9
        count += 1
    if 2 * count != said:
        return None
    made = SortedSet.__new__(SortedSet)
    made._fill_raw(_block, used, count, longest)
    return made


cdef bint _less(const uint8_t* item, const uint8_t* other) noexcept:
    """Tell whether an item's member is before another's by its bytes."""
    cdef int size = item[0] - 8, most = other[0] - 8
    cdef int order = memcmp(item + 9, other + 9, min(size, most))
    return order < 0 or (order == 0 and size < most)


cdef object _other_zset(const uint8_t* pack, Py_ssize_t size):
    """Make a sorted set of a listpack; None if something is wrong with it."""
    cdef Py_ssize_t said = count_said(pack, size), place = 6, count = 0
    cdef Item member, text
    cdef double score = 0
    cdef dict scores = {}
    if said < 0:
        return None
    while place < size - 1:
        place = next_item(pack, place, size - 1, &member)
        if place < 0 or place >= size - 1:
            return None
        place = next_item(pack, place, size - 1, &text)
        if place < 0 or not _score(&text, &score):
            return None
        scores[text_of(&member)] = score
        count += 2
    if not count or (said != 0xFFFF and said != count) or 2 * len(scores) != count:
        return None
    return SortedSet(scores.items())


cdef bint _score(Item* item, double* score) except -1:
    """Read a score that is stored as text; False if it is not a plain number."""
    cdef char[LONGEST_SCORE + 1] text
    cdef Py_ssize_t place = 0, digits = 0, decimals = 0
    cdef uint64_t number = 0
    cdef char sign
    cdef char* end = NULL
    cdef bint pointed = False
    if item.text == NULL:
        score[0] = <double>item.number
        return True
    if not 0 < item.size <= LONGEST_SCORE:
        return False
    memcpy(text, item.text, item.size)
    text[item.size] = 0
    sign = text[0]
    if sign == c'-':
        place = 1
    while place < item.size:
        if c'0' <= text[place] <= c'9':
            digits += 1
            decimals += pointed
            if digits <= 15:
                number = number * 10 + <uint64_t>(text[place] - c'0')
        elif text[place] == c'.' and not pointed:
            pointed = True
        elif not (digits and (text[place] == c'e' or text[place] == c'E' or text[place] == c'+' or text[place] == c'-')):
            return False
        else:
            digits += 100  # an exponent: not for the short way
        place += 1
    if not digits or digits == decimals or (pointed and not decimals):
        return False
    if digits <= 15:  # both numbers are exact, so their quotient is rounded once
        score[0] = <double>number / _TENS[decimals]
        if sign == c'-':
            score[0] = -score[0]
        return True
    try:
        score[0] = PyOS_string_to_double(text, &end, NULL)
    except ValueError:
        return False
    return end == text + item.size
