"""Theorems about an update rule: a block for each, its assumptions and its proof below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.program import INF, Bind, Program, Reduce, walk
from derive.record import replace
from derive.reports.compose import forward, forward_block
from derive.reports.document import Block, Composer, Document, Formula, Prose
from derive.theorems.settings import settings
from derive.theorems.theorem import Claim, Said, Theorem

#: A product whose letter begins after the sum's is said with its own range.
PRODUCTS = ("prod",)


def with_theorems(program: Program, source: str, choices: dict[str, Any]) -> Document:
    """The update rule, then what holds for it; where a choice opens a branch, that rule and what is new there."""
    document = forward(program)
    blocks = list(document.main)
    number = 0
    for n, setting in enumerate(settings(source, choices)):
        composer = Composer(setting.program)
        if n:
            title = f"{program.name} · with {setting.words}"
            blocks.append(replace(forward_block(composer), title=title, declared=(), notes=()))
        for theorem in setting.theorems:
            number += 1
            blocks.append(theorem_block(theorem, composer, f"{program.name} · theorem {number}"))
    return replace(document, main=tuple(blocks))


def theorem_block(theorem: Theorem, composer: Composer, title: str) -> Block:
    """The statement, the claims, then what is assumed and the proof."""
    claims = tuple(_formula(claim, composer) for claim in theorem.claims)
    parts = [("given", _listed(theorem.assumes)), ("proof", theorem.proof)]
    prose = tuple((head, tuple(_prose(s, composer) for s in said)) for head, said in parts if said)
    last = (Prose(theorem.proved),)
    return Block(f"{title}: {_prose(theorem.title, composer).filled(composer.text.line)}", (), claims,
                 prose=(*prose, ("proved", last)))  # fmt: skip


def _listed(said: tuple[Said, ...]) -> tuple[Said, ...]:
    """Sentences with commas between them."""
    return tuple(Said(s.text + ("," if n < len(said) - 1 else ""), s.terms) for n, s in enumerate(said))


def _formula(claim: Claim, composer: Composer) -> Formula:
    node = composer.t.node
    over = [composer.range(b) for b in _ranges(claim)]
    return Formula(node(claim.left), node(claim.right), over=tuple(dict.fromkeys(over)), relation=claim.relation)


def _ranges(claim: Claim) -> Iterator[Bind]:
    """The ranges of bound letters; packs have none worth saying."""
    for e in (claim.left, claim.right):
        for n in walk(e):
            if isinstance(n, Reduce):
                yield from (b for b in n.binds if not b.letter.is_pack and b.hi != INF)


def _prose(said: Said, composer: Composer) -> Prose:
    return Prose(said.text, tuple(composer.t.node(e) for e in said.terms))
