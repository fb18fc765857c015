"""Derivatives of programs as programs: any order, any construct of the language.

``occurrences`` walks a right side; ``adjoint`` (vjp) and ``tangent`` (jvp) are written from its list;
``delta``, ``solve`` and ``affine`` eliminate letters over the integers; ``recurrence`` finds which way
equations that read one another move, ``step`` takes one step of them.
May import program, functions, errors and order; knows nothing of text, code or arrays.
"""

from derive.calculus.adjoint import adjoint
from derive.calculus.delta import eliminate, fold, summation
from derive.calculus.kept import known_ranges
from derive.calculus.recurrence import Group, groups
from derive.calculus.step import initial, step
from derive.calculus.tangent import tangent

__all__ = ["Group", "adjoint", "eliminate", "fold", "groups", "initial", "known_ranges", "step", "summation", "tangent"]
