"""Every float64 sample of torch's module_db, and ours: derive.nn beside torch.nn, values and two derivatives.

``python -m benchmarks.modules [CLASS …] [--order N] [--all]``: modules and samples passed, then what did not and why.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from derive.verify.modules import Outcome, names, outcomes


def main(arguments: list[str]) -> int:
    order = int(arguments[arguments.index("--order") + 1]) if "--order" in arguments else 2
    chosen = [a for a in arguments if a in names()]
    unknown = [a for a in arguments if not a.startswith("--") and not a.isdigit() and a not in names()]
    if unknown:
        print(f"there are no samples of {', '.join(unknown)}", file=sys.stderr)
        return 2
    found: list[Outcome] = []
    for name in chosen or names():
        started = time.process_time()
        mine = list(outcomes(name, order))
        found += mine
        print(_line(name, mine, time.process_time() - started), flush=True)
    passed = sum(o.passed for o in found)
    whole = sum(all(o.passed for o in found if o.module == n) for n in {o.module for o in found})
    print(f"\n{whole} of {len({o.module for o in found})} modules, {passed} of {len(found)} samples")
    return 0 if passed == len(found) else 1


def _line(name: str, mine: list[Outcome], seconds: float) -> str:
    passed = sum(o.passed for o in mine)
    second = sum(o.passed and o.orders >= 2 for o in mine)
    head = f"{name:32} {passed:3}/{len(mine):<3} second derivative {second:3}   {seconds:5.1f} s"
    reasons = Counter(o.reason for o in mine if not o.passed)
    lines = [f"    {count} × {reason}" for reason, count in reasons.most_common(4)]
    first = next((o for o in mine if not o.passed), None)
    return "\n".join([head, *lines, *([f"    as in #{first.sample}: {first.setting}"] if first else [])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
