"""Line plots: well-formed, inside the frame, honest about values that cannot be drawn."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from derive.reports.svg import HEIGHT, WIDTH, Axis, line_plot

SVG = "{http://www.w3.org/2000/svg}"


def test_a_plot_is_well_formed_and_inside_its_frame() -> None:
    text = line_plot({"a < b & c": [3.0, 2.0, 1.5], "other": [(0, 1.0), (2, 2.5)]}, "T & <t>", "step", "loss")
    root = ElementTree.fromstring(text)
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 2
    for at in re.findall(r"([\d.]+),([\d.]+)", " ".join(line.get("points", "") for line in lines)):
        assert 0 <= float(at[0]) <= WIDTH and 0 <= float(at[1]) <= HEIGHT
    assert {"T & <t>", "step", "loss", "a < b & c", "other"} <= {t.text for t in root.iter(f"{SVG}text")}


def test_higher_values_are_higher() -> None:
    points = re.search(r'points="([^"]*)"', line_plot({"a": [1.0, 2.0]}, "", "", "")).group(1).split()
    assert float(points[0].split(",")[1]) > float(points[1].split(",")[1])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_breaks_the_line(bad: float) -> None:
    text = line_plot({"a": [1.0, 2.0, bad, 2.0, 1.0]}, "", "", "")
    assert text.count("<polyline") == 2 and "nan" not in text and "inf" not in text


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0], [0.0, -1.0]])
@pytest.mark.parametrize("log_y", [False, True])
def test_degenerate_series_are_drawn(values: list[float], log_y: bool) -> None:
    ElementTree.fromstring(line_plot({"a": values} if values else {}, "", "", "", log_y=log_y))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 17), (0.02, 0.021), (1e-9, 3e-9), (5, 5), (-1e6, 1e6)])
def test_ticks_are_round_few_and_cover(low: float, high: float) -> None:
    axis = Axis([low, high], 0, 100)
    assert 2 <= len(axis.ticks) <= 12
    assert axis.low <= low <= high <= axis.high
    assert 0 <= axis.place(low) <= axis.place(high) <= 100
