"""What mutation hands on: a mutant, what became of it, and the report over one target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from derive.program import Program

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"
#: Of the original: it does not pass either, so that nothing follows from a mutant's failing.
UNSOUND = "unsound"
#: Not run: the time of the target was over.
CUT = "cut"
#: In the place of an operator: nothing was changed.
ORIGINAL = "no change"

#: What is mutated: a derived gradient, a forward (its gradient follows it), an update rule, a torch function.
GRADIENT, FORWARD, UPDATE, FUNCTION = "gradient", "forward", "update", "function"


@dataclass(frozen=True)
class Mutant:
    """One small change of something right: ``statement`` says where, ``change`` what.

    ``program`` is the mutated gradient (forward, update rule); a function mutant has ``breach`` instead, which makes
    a wrong torch function of a right one.
    """

    target: str
    operator: str
    level: str
    statement: str
    change: str
    primal: Program = field(repr=False)
    choices: tuple[tuple[str, Any], ...] = ()
    program: Program | None = field(default=None, repr=False)
    breach: Callable[..., Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Finding:
    """What became of one mutant: ``rung`` and ``kind`` tell which check at which inputs killed it.

    ``proof``: why it is equivalent, or how a survivor differs.  An operator without a place has one finding, not
    applicable, with the reason as its proof.
    """

    target: str
    operator: str
    status: str
    level: str = ""
    statement: str = ""
    change: str = ""
    setting: str = ""
    rung: str = ""
    kind: str = ""
    check: str = ""
    detail: str = ""
    proof: str = ""


@dataclass(frozen=True)
class Report:
    """Every finding of one target, in seconds of processor time; ``notes``: what was left out of account, and why."""

    target: str
    findings: tuple[Finding, ...] = ()
    seed: int = 0
    limit: int | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def of(self, status: str) -> tuple[Finding, ...]:
        """The findings of that status."""
        return tuple(f for f in self.findings if f.status == status)

    @property
    def survivors(self) -> tuple[Finding, ...]:
        return self.of(SURVIVED)

    @property
    def mutants(self) -> int:
        """How many mutants there were."""
        return sum(f.status in (KILLED, EQUIVALENT, SURVIVED) for f in self.findings)

    @property
    def kill_rate(self) -> float | None:
        """Killed of those not equivalent; None when there are none."""
        killed, alive = len(self.of(KILLED)), len(self.survivors)
        return killed / (killed + alive) if killed + alive else None

    @property
    def exit_code(self) -> int:
        """0 every mutant killed or shown equivalent, 1 one survived or an original failed, 5 nothing was mutated."""
        return 1 if self.survivors or self.of(UNSOUND) else 0 if self.mutants else 5
