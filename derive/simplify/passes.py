"""The passes, each from a draft to a better one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derive.order import strongly_connected
from derive.simplify.algebra import OverBudget
from derive.simplify.atoms import Monomial
from derive.simplify.basis import find_basis
from derive.simplify.draft import Draft, Forms, covering_letters
from derive.simplify.facts import range_facts
from derive.simplify.laws import find_laws
from derive.simplify.rewrite import Rewriter, Rules
from derive.simplify.uses import Uses, contracts, scalar_multiple, small


def change_basis(draft: Draft) -> None:
    """e → y·s, x → mu + xhat/r, exp(−x) → 1/y − 1; and Σ y = 1, Σ xhat = 0, as laws"""
    draft.algebra.facts += range_facts(draft.program, draft.given, draft.algebra)
    draft.basis = find_basis(draft.program, draft.given, draft.convert)
    for _, form in draft.basis.forms.values():
        draft.divisors.note(form)
    draft.divisors.always.update(draft.basis.divisors.always)
    draft.laws = find_laws(draft.basis, draft.build)
    draft.divisors.exponentials.update(draft.basis.divisors.exponentials)
    kernels = draft.basis.rules.copy()
    kernels.reads.clear()
    rewriter, careful = Rewriter(draft.algebra, draft.basis.rules), Rewriter(draft.algebra, kernels)
    for name, forms in draft.forms.items():
        draft.forms[name] = _rewritten(forms, rewriter, careful)


def vanish(draft: Draft) -> None:
    """A tensor that is identically zero once what it reads is put in → 0, everywhere it is read"""
    rules = _rules(draft)
    _eliminate(draft, rules, [n for n in _outside_recurrences(draft) if not _contracts(draft, n)])
    full = Rewriter(draft.algebra, rules)
    zeros = [name for name, forms in draft.forms.items() if all(not p for p in _rewritten(forms, full, None))]
    rules.reads = {name: ((), {}) for name in zeros}
    rules.patterns, rules.guarded, rules.supports, rules.kernels = {}, {}, {}, []
    needed = _apply(draft, Rewriter(draft.algebra, rules), ())
    uses = Uses(draft)
    for name in zeros:
        draft.forms[name] = tuple({} for _ in draft.forms[name])
        if name not in draft.program.outputs and name not in needed and not uses.pinned(name):
            draft.inlined[name] = None


def inline_unguarded(draft: Draft) -> None:
    """As ``inline``, first what stands under no guard: what is guarded may cancel before it is put in"""
    _inline(draft, [n for n in _inlinable(draft) if not any(_has_guard(draft, m) for m in draft.forms[n][0])])


def inline(draft: Draft) -> None:
    """A cotangent used once, or a short one that no contraction reads, → its right side, where it is read"""
    _inline(draft, _inlinable(draft))


Pass = Callable[[Draft], None]

#: The pipeline, in order.
PASSES: tuple[Pass, ...] = (change_basis, vanish, inline_unguarded, vanish, inline)


# ------------------------------------------------------------------------------ how


def _rules(draft: Draft) -> Rules:
    assert draft.basis is not None
    return draft.basis.rules.copy()


def _rewritten(forms: Forms, rewriter: Rewriter, otherwise: Rewriter | None) -> Forms:
    """The forms rewritten; where that grows too large, more carefully, or not at all."""
    try:
        return tuple(rewriter(p) for p in forms)
    except OverBudget:
        return _rewritten(forms, otherwise, None) if otherwise else forms


def _inlinable(draft: Draft) -> list[str]:
    uses = Uses(draft)
    chosen = []
    for name in draft.forms:
        if name in draft.program.outputs or name in draft.inlined or uses.pinned(name) or _contracts(draft, name):
            continue
        form = draft.forms[name][0]
        if uses.contracted(name):
            wanted = uses.once(name) and scalar_multiple(draft.algebra, form)
        else:
            wanted = uses.once(name) or small(form)
        if wanted:
            chosen.append(name)
    return chosen


def _inline(draft: Draft, names: list[str]) -> None:
    """Put right sides in for names; a name that a statement too large to rewrite still reads stays one."""
    before = dict(draft.forms)
    while names:
        rules = _rules(draft)
        taken = _eliminate(draft, rules, names)
        needed = _apply(draft, Rewriter(draft.algebra, rules), taken)
        names = [name for name in taken if name not in needed]
        if len(names) == len(taken):
            draft.inlined.update(dict.fromkeys(taken))
            return
        draft.forms = dict(before)


def _apply(draft: Draft, rewriter: Rewriter, leaving: Sequence[str]) -> dict[str, None]:
    """Rewrite what stays; the names that statements too large for it read, directly or through what leaves."""
    stuck: dict[str, None] = {}
    for name, forms in list(draft.forms.items()):
        if name in leaving or name in draft.inlined:
            continue
        try:
            draft.forms[name] = tuple(rewriter(p) for p in forms)
        except OverBudget:
            stuck[name] = None
    needed: dict[str, None] = {}
    while stuck:
        for name in Uses.read_by(draft, stuck.popitem()[0]):
            if name in draft.forms and name not in needed:
                needed[name] = None
                if name in leaving:
                    stuck[name] = None
    return needed


def _has_guard(draft: Draft, mono: Monomial) -> bool:
    return any(draft.algebra.atoms[a].kind == "guard" for a, _ in mono)


def _contracts(draft: Draft, name: str) -> bool:
    """Whether a tensor keeps its name: not one covering piece, or a contraction, or a filtered sum."""
    statement = draft.program.definitions[name]
    return covering_letters(statement) is None or contracts(draft.algebra, draft.forms[name][0])


def _outside_recurrences(draft: Draft) -> list[str]:
    groups = strongly_connected({name: tuple(Uses.read_by(draft, name)) for name in draft.forms})
    alone = dict.fromkeys(group[0] for group in groups if len(group) == 1)
    return [name for name in draft.forms if name in alone]


def _eliminate(draft: Draft, rules: Rules, names: list[str]) -> list[str]:
    """Rules that put right sides in for names, leaving out names that would then read themselves."""
    reading = {name: Uses.read_by(draft, name) for name in draft.forms}
    done: list[str] = []
    for name in names:
        if name in reading[name] or name in draft.inlined:
            continue
        for found in reading.values():
            if name in found:
                del found[name]
                found.update(reading[name])
        letters = covering_letters(draft.program.definitions[name])
        assert letters is not None
        rules.reads[name] = (letters, draft.forms[name][0])
        done.append(name)
    return done
