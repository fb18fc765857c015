"""What a check found: rows, and the verdict over them."""

from __future__ import annotations

from dataclasses import dataclass

PASSED, FAILED, INCONCLUSIVE, NOT_APPLICABLE = "passed", "failed", "inconclusive", "not applicable"


@dataclass(frozen=True)
class Row:
    """One check of one case; ``detail`` says in words where and by how much, ``reason`` why it was not decided."""

    check: str
    case: str
    status: str
    error: float | None = None
    tolerance: float | None = None
    reason: str = ""
    seed: int = 0
    detail: str = ""

    @property
    def rule(self) -> str:
        """A stable id of what was checked, without the case: ``contract/strided-cotangent``."""
        return "/".join("-".join(part.split()) for part in self.check.split(", "))


@dataclass(frozen=True)
class Evidence:
    """What differences showed of one input's gradient at one case: the data of the report's pictures.

    ``steps``: (h, |analytic − central difference| / scale).  ``remainders``: (h, |φ(h) − φ(0) − h·φ′|).
    ``heat``: the relative error of entries, as rows of a map of at most 16 × 16 cells, each the worst of its block.
    """

    input: str
    case: str
    steps: tuple[tuple[float, float], ...] = ()
    remainders: tuple[tuple[float, float], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Every row of the checks of one target, where it is written (``file:line``), and how to run them again."""

    name: str
    rows: tuple[Row, ...] = ()
    rerun: str = ""
    target: str = ""
    where: str = ""
    seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()

    def of(self, status: str) -> tuple[Row, ...]:
        """The rows of that status."""
        return tuple(row for row in self.rows if row.status == status)

    @property
    def failures(self) -> tuple[Row, ...]:
        return self.of(FAILED)

    @property
    def checked(self) -> bool:
        """Whether anything at all was decided."""
        return any(row.status in (PASSED, FAILED) for row in self.rows)

    @property
    def passed(self) -> bool:
        return self.checked and not self.failures

    @property
    def status(self) -> str:
        """The worst thing that happened; "not applicable" when nothing was decided."""
        if self.failures:
            return FAILED
        return PASSED if self.checked else NOT_APPLICABLE

    @property
    def exit_code(self) -> int:
        """The command line's: 0 passed, 1 failed, 5 nothing was checked."""
        return 1 if self.failures else 0 if self.checked else 5

    def __bool__(self) -> bool:
        return self.passed
