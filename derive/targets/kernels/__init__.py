"""Passes over memory as compiled C: loops fused by rows, compiled by the machine's compiler, called on tensors.

``function.callable_of`` is the door: kernels for big plain CPU tensors where there is a compiler, array code otherwise.
"""
