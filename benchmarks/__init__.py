"""The numbers the project holds itself to, one command each: ``python -m benchmarks [NAME …]``.

Every number is a ratio taken in one run, in interleaved rounds, after the error was measured; results go to
``benchmarks/results/`` with the versions and the machine.
"""
