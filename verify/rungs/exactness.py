"""⟨dy, J dx⟩ = ⟨Jᵀ dy, dx⟩ without a tolerance."""

from __future__ import annotations

from collections.abc import Iterator

from derive.verify import exact
from derive.verify.inputs import Case
from derive.verify.rungs.base import Options, has_gradient, title
from derive.verify.subject import Subject
from derive.verify.verdict import FAILED, NOT_APPLICABLE, PASSED, Row

CHECK = "exact identity"
_KINDS = ("asymmetric", "equal")


def exact_identity(subject: Subject, case: Case, options: Options) -> Iterator[Row]:
    """The identity modulo a prime; where only functions' own identities could tell, to fifty digits."""
    if case.kind not in (_KINDS if subject.first else _KINDS[:1]) or not has_gradient(case):
        return
    at = title(subject, case.title())
    found = exact.identity(case, subject.adjoint, subject.tangent, options.seed)
    if isinstance(found, str):
        yield Row(CHECK, at, NOT_APPLICABLE, reason=found, seed=options.seed)
        return
    status = PASSED if found.holds else FAILED
    yield Row(CHECK, at, status, None, 0.0, found.how, options.seed, "" if found.holds else found.words())
