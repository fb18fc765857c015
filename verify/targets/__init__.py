"""What a user has, as something to check: functions, operations, modules, NumPy pairs, optimizers.

``resolve`` finds what ``module:attribute`` names, ``examples`` its example inputs, ``forms`` makes each kind a
``Target``: one function of named tensors.  The user's Python is imported and run: it is trusted code.
"""
