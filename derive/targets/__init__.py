"""Targets: one file each.  May import the program, the lowering and the simplifier's results.

``to_numpy.function(plan, name) -> Code`` and ``to_torch.function(plan, name) -> Code``; ``text.function_text(code,
comments)`` prints one, ``text.support_text`` the support functions it names, ``text.module_text`` a whole small file.
"""
