"""The example's every optimizer gets on with the quadratic; its picture is one SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from derive.optim.table import OWN, TORCHS
from examples.optimizers import PANELS, _run, picture, quadratic

CASES = [case for panel in PANELS.values() for case in panel]


def test_every_optimizer_is_shown_and_gets_on():
    assert {case.name for case in CASES} == {*TORCHS, *OWN}
    curves = {case.name: _run(case.name, case.quadratic, *quadratic(), 60) for case in CASES}
    assert [name for name, losses in curves.items() if not losses[-1] < 0.6 * losses[0]] == []
    root = ET.fromstring(picture({"quadratic": curves}))
    assert len(root) == len(PANELS)
