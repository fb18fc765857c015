"""Programs as loops: runs of statements that one pass over memory, or a few, can compute together.

``fits`` chooses the statements, ``normal`` writes them as maps and bare reductions, ``phases`` finds the rows that they
share.
"""
