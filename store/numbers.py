"""Numbers as Redis computes them: canonical 64-bit integers, and the long doubles of INCRBYFLOAT and HINCRBYFLOAT.

Redis adds in the 80-bit extended format of x86 (a mantissa of 64 bits, exponents up to 16383) and prints 17 decimals
without trailing zeros. Law: `LongDouble` rounds where the processor does, on reading and after adding, half to even,
and nowhere else; so every sum has Redis's digits. Python's own floats would show 10.1 + 0.2 differently.
"""

from __future__ import annotations

import re
from decimal import Decimal

from store.primitives import read_integer

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1

_DECIMAL = re.compile(rb"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?\Z")
_HEXADECIMAL = re.compile(rb"([+-]?)0[xX](?=\.?[0-9a-fA-F])([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?[0-9]+))?\Z")
_INFINITE = re.compile(rb"[+-]?inf(?:inity)?\Z", re.IGNORECASE)

_MANTISSA_BITS = 64
_INFINITE_FROM = 16384  # 2 ** 16384 and more is infinite
_ZERO_UPTO = -16446  # 2 ** -16446 and less is zero
_DECIMALS = 17
_DECIMAL_REACH = 5000  # 10 ** ±5000 is beyond both ends
_TEXT_LIMIT = 5 * 1024  # a text of this length is no number to Redis (MAX_LONG_DOUBLE_CHARS in its util.h)
_INT_DIGITS = 4000  # from about here on Python refuses to turn int to str and back; Decimal does not


def is_integer(text: bytes | bytearray) -> bool:
    """Tell whether text is a canonical signed 64-bit integer: no plus sign, no leading zero, no blanks."""
    return read_integer(text) is not None


class LongDouble:
    """A number mantissa * 2 ** exponent with a mantissa of at most 64 bits; infinite or undefined unless `finite`."""

    __slots__ = ("exponent", "finite", "mantissa")

    def __init__(self, mantissa: int, exponent: int = 0, finite: bool = True) -> None:
        """Round mantissa * 2 ** exponent to 64 bits, half to even; what is too large becomes infinite."""
        excess = mantissa.bit_length() - _MANTISSA_BITS
        if excess > 0:
            mantissa, exponent = _shift_right(mantissa, excess), exponent + excess
        self.mantissa = mantissa
        self.exponent = exponent
        self.finite = finite and mantissa.bit_length() + exponent <= _INFINITE_FROM

    def __add__(self, other: LongDouble) -> LongDouble:
        """Add as the processor does: exactly, then rounded once. Anything infinite makes the sum not finite."""
        if not (self.finite and other.finite):
            return LongDouble(0, finite=False)
        exponent = min(self.exponent, other.exponent)
        first, second = self.mantissa << self.exponent - exponent, other.mantissa << other.exponent - exponent
        return LongDouble(first + second, exponent)

    def __bytes__(self) -> bytes:
        """Print a finite number with 17 decimals, without trailing zeros or a bare point, and never `-0`."""
        scaled = self.mantissa * 10**_DECIMALS
        scaled = scaled << self.exponent if self.exponent >= 0 else _shift_right(scaled, -self.exponent)
        digits = _digits_of(abs(scaled)).rjust(_DECIMALS + 1, "0")
        fraction = digits[-_DECIMALS:].rstrip("0")
        text = digits[:-_DECIMALS] + ("." + fraction if fraction else "")
        return (text if scaled >= 0 else "-" + text).encode()


def parse_long_double(text: bytes | bytearray) -> LongDouble:
    """Read a number as strtold does: decimal, hexadecimal (`0x1.8p3`) or `inf`.

    Raises ValueError for anything else and, as Redis does, for a number that overflows or vanishes to zero.
    """
    if len(text) >= _TEXT_LIMIT:
        raise ValueError("too long for a number")
    if match := _DECIMAL.match(text):
        return _read(match, 10)
    if match := _HEXADECIMAL.match(text):
        return _read(match, 16)
    if _INFINITE.match(text):
        return LongDouble(0, finite=False)
    raise ValueError("not a number")


def _read(match: re.Match[bytes], base: int) -> LongDouble:
    """Turn the groups sign, whole digits, fraction and exponent into the nearest long double."""
    sign, whole, fraction, power = (bytes(part or b"") for part in match.groups())
    digits = (whole + fraction).lstrip(b"0")
    if not digits:
        return LongDouble(0)
    if len(power.lstrip(b"+-0")) > 9:
        raise ValueError("out of range")
    exponent = int(power or b"0")
    if base == 10:
        number = _scaled_decimal(digits, exponent - len(fraction))
    else:
        number = LongDouble(int(digits, 16), exponent - 4 * len(fraction))
    top = number.mantissa.bit_length() + number.exponent  # 2 ** (top - 1) <= number < 2 ** top
    power_of_two = not number.mantissa & number.mantissa - 1
    if not number.finite or top <= _ZERO_UPTO or (top == _ZERO_UPTO + 1 and power_of_two):
        raise ValueError("out of range")
    if sign == b"-":
        number.mantissa = -number.mantissa
    return number


def _scaled_decimal(digits: bytes, power: int) -> LongDouble:
    """Round digits * 10 ** power, without leading zeros in digits, to a long double."""
    if not -_DECIMAL_REACH <= len(digits) + power <= _DECIMAL_REACH:
        raise ValueError("out of range")
    number = int(digits) if len(digits) < _INT_DIGITS else int(Decimal(digits.decode()))
    if power >= 0:
        return LongDouble(number * 10**power)
    divisor = 10**-power
    shift = max(0, _MANTISSA_BITS + 2 + divisor.bit_length() - number.bit_length())
    quotient, rest = divmod(number << shift, divisor)
    return LongDouble(quotient << 1 | (rest > 0), -shift - 1)  # the last bit tells that something was cut off


def _shift_right(number: int, bits: int) -> int:
    """Divide by 2 ** bits (bits > 0), rounding half to even."""
    quotient, rest, half = number >> bits, number & (1 << bits) - 1, 1 << bits - 1
    return quotient + (rest > half or (rest == half and quotient & 1 == 1))


def _digits_of(number: int) -> str:
    return str(number) if number.bit_length() < 3 * _INT_DIGITS else format(Decimal(number), "f")
