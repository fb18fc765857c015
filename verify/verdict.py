"""What a check found: rows, and the verdict over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

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

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold: it has no NaN, so such errors are text."""
        return {**vars(self), "error": _number(self.error), "tolerance": _number(self.tolerance)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        known = _known(cls, data)
        numbers = {k: float(known[k]) for k in ("error", "tolerance") if known.get(k) is not None}
        return cls(**{**known, **numbers})


@dataclass(frozen=True)
class Evidence:
    """What differences showed of one input's gradient at one case: the data of the report's pictures.

    ``steps``: (h, |analytic − central difference| / scale).  ``remainders``: (h, |φ(h) − φ(0) − h·φ′|).
    ``heat``: the relative error of entries, as rows of a map of at most 16 × 16 cells, each the worst of its block;
    the map is the input, of that ``shape``, cut into rows and columns where it is nearest to square.
    """

    input: str
    case: str
    steps: tuple[tuple[float, float], ...] = ()
    remainders: tuple[tuple[float, float], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()
    shape: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {name: _listed(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        return cls(**{name: _tupled(value) for name, value in _known(cls, data).items()})


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

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it travels from a worker and stands in a report."""
        rows, evidence = ([part.to_dict() for part in parts] for parts in (self.rows, self.evidence))
        return {**vars(self), "rows": rows, "evidence": evidence}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        known = dict(_known(cls, data))
        known["rows"] = tuple(map(Row.from_dict, known.get("rows", ())))
        known["evidence"] = tuple(map(Evidence.from_dict, known.get("evidence", ())))
        return cls(**known)


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that are fields; a report may carry more."""
    names = {f.name for f in fields(cls)}
    return {name: value for name, value in data.items() if name in names}


def _number(value: float | None) -> float | str | None:
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else str(value)


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_listed(part) for part in value]
    return _number(value) if isinstance(value, float) else value


def _tupled(value: Any) -> Any:
    """Lists as tuples; a number that JSON could not hold is a number again."""
    if isinstance(value, list):
        return tuple(_tupled(part) for part in value)
    return float(value) if value in ("nan", "inf", "-inf") else value
