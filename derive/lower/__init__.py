"""Lowering: a program as a short list of whole-array steps, the same for every array library.

``lower(program) -> Plan``.  A plan's ``blocks`` carry the names of the tensors they compute, so that a target can put
each formula above its lines; ``derive.targets.to_numpy.function(plan, name)`` and ``to_torch.function(plan, name)``
print it.  May import the program, the functions and the calculus; nothing of the targets.
"""

from derive.lower.lowering import lower
from derive.lower.plan import Plan

__all__ = ["Plan", "lower"]
