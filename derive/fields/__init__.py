"""Number fields: what a real value of a program may be made of.

A field is a table from the language's function names to implementations, and the few operations that
are not Python's own.  ``FLOAT`` is float64 with IEEE's inf and nan where ``math`` would raise;
``COMPLEX`` continues every function analytically and compares real parts (for complex steps);
``FRACTION`` is exact and refuses what is irrational; ``Modular(p)`` computes with integers mod p, where
equal rational expressions have equal values; ``MP`` is mpmath with 50 digits.
"""

from __future__ import annotations

from derive.fields.base import Field, NotRational, Number
from derive.fields.exact import FRACTION, MODULAR, Modular
from derive.fields.machine import COMPLEX, FLOAT
from derive.fields.precise import MP

__all__ = ["COMPLEX", "FLOAT", "FRACTION", "MODULAR", "MP", "Field", "Modular", "NotRational", "Number"]
