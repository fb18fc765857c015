"""Exact numbers as a person writes them: 1/2 stays a fraction, 1/10 is 0.1, 1/100000 is 1e-5."""

from __future__ import annotations

from sympy import Rational

#: A decimal longer than this, and than its fraction, is no easier to read.
LONGEST = 12


def decimal_places(number: Rational) -> int | None:
    """How many places the exact decimal has, or None if it has no end."""
    q, twos, fives = int(number.q), 0, 0
    while q % 2 == 0:
        q, twos = q // 2, twos + 1
    while q % 5 == 0:
        q, fives = q // 5, fives + 1
    return max(twos, fives) if q == 1 else None


def reads_as_decimal(number: Rational) -> bool:
    """Whether the decimal is easier to read than the fraction: not for halves, quarters or eighths."""
    if decimal_places(number) is None or int(number.q) & (int(number.q) - 1) == 0 or int(number.q) < 10:
        return False
    return len(decimal(number)) <= max(LONGEST, len(str(abs(number))) - 1)


def decimal(number: Rational) -> str:
    """The exact decimal, in powers of ten when small: ``1e-8``; the number must have one."""
    places = decimal_places(number) or 0
    digits = str(abs(int(number.p)) * 10**places // int(number.q))
    sign = "-" if number.is_negative else ""
    zeros = places - len(digits)
    if places > 4 and zeros > (2 if len(digits) <= 3 else 6):
        point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
        return f"{sign}{point}e-{zeros + 1}"
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
