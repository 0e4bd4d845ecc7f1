"""Whole numbers in decimal digits, written into memory of the caller's own. There is no module to it: users compile it in."""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    static const unsigned long long CHRONIS_TENS[] = {
        0, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull, 100000000ull, 1000000000ull, 10000000000ull,
        100000000000ull, 1000000000000ull, 10000000000000ull, 100000000000000ull, 1000000000000000ull, 10000000000000000ull,
        100000000000000000ull, 1000000000000000000ull, 10000000000000000000ull,
    };
    """
    const unsigned long long[20] TENS "CHRONIS_TENS"
    int __builtin_clzll(unsigned long long number) noexcept nogil

cdef enum:
    LONGEST_DECIMAL = 20  # bytes: a sign and 19 digits


cdef inline int digits_of(uint64_t number) noexcept nogil:
    """Count the decimal digits of a number: of so many bits it has that share, rounded down, or one more."""
    cdef int least = (64 - __builtin_clzll(number | 1)) * 1233 >> 12
    return least + (number >= TENS[least])


cdef inline int write_decimal(char* out, int64_t number) noexcept nogil:
    """Write a number in decimal digits; return how many bytes, up to LONGEST_DECIMAL, that took."""
    cdef uint64_t left = 0 - <uint64_t>number if number < 0 else <uint64_t>number
    cdef int sign = number < 0, size, place
    if 0 <= number < 10:
        out[0] = <char>(c'0' + number)
        return 1
    if sign:
        out[0] = c'-'
        out += 1
    size = place = digits_of(left)
    while place:
        place -= 1
        out[place] = <char>(c'0' + left % 10)
        left //= 10
    return size + sign
