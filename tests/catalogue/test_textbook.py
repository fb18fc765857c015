"""Closed forms are printed as textbooks print them, from the forward alone; the table is ``textbook.py``."""

import functools

import pytest

import derive
from derive import reports
from derive.language import catalogue_index
from tests.catalogue.textbook import FORMS

#: Families in which nothing is printed that a textbook would.
WITHOUT = {
    "averaging", "clipping", "optimizer", "optimizer_more", "optimizer_norms", "schedule",  # their theorems are
    "padding", "upsampling", "pooling_adaptive",  # index shuffles of what stands above
    "linear_loss", "recurrent_layers", "transformer_stacks",  # made of what stands above
    "shape",  # nothing to derive
}  # fmt: skip


@functools.cache
def printed(name, choices):
    """Everything printed of a definition, line ends as blanks."""
    program = derive.load(name, **dict(choices))
    document = reports.merged(reports.forward(program), reports.derivative(derive.vjp(program), program))
    return " ".join(reports.render(document).split())


@pytest.mark.parametrize(("name", "choices", "line", "source"), FORMS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FORMS)])
def test_form_is_printed(name, choices, line, source):
    text = printed(name, tuple(choices.items()))
    assert " ".join(line.split()) in text, (source, text)


def test_every_family_has_a_form():
    families = {family for family, _ in catalogue_index().values()}
    shown = {catalogue_index()[name][0] for name, *_ in FORMS if name in catalogue_index()}
    assert families - shown - WITHOUT == set()
    assert shown & WITHOUT == set()


def test_another_form_is_seen():
    assert "dx[…] = dy[…] · y[…] · (1 + y[…])" not in printed("sigmoid", ())
