"""Programs as loops: runs of statements that one pass over memory, or a few, can compute together.

``fits`` chooses the statements, ``normal`` writes them as maps and bare reductions, ``phases`` finds the rows that they
share.  Windows, tables, and sums that say where their values go are no rows: ``nests`` writes such statements as loops,
``pushed`` turns conditions into places, ``planes`` finds the leading letters that tell parallel parts apart.
"""
