"""Closed forms are printed as textbooks print them, from the forward alone; the table is ``textbook.py``."""

import functools

import pytest

import derive
from derive import reports
from derive.language import catalogue_index
from tests.catalogue.textbook import FORMS

#: Families of which a textbook prints something.
PRINTED = {
    "activation", "attention", "cells", "convolution", "distance", "dropout", "embedding", "functional", "grid",
    "linear", "loss", "model", "normalization", "pooling", "products", "recurrent", "shuffle", "transformer",
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
    index = catalogue_index()
    assert {index[name][0] for name, *_ in FORMS if name in index} == PRINTED


def test_another_form_is_seen():
    assert "dx[…] = dy[…] · y[…] · (1 + y[…])" not in printed("sigmoid", ())
