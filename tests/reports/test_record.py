"""Records behave as frozen dataclasses do."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from derive.record import record, replace


class Base:
    """Has no fields."""


@record
class Point(Base):
    """Two fields, one with a default."""

    x: int
    y: int = 2

    @property
    def total(self) -> int:
        return self.x + self.y


@record
class Place(Point):
    """A field more."""

    name: str = ""


@dataclasses.dataclass(frozen=True)
class Twin:
    """What Point would be."""

    x: int
    y: int = 2


def test_construction_equality_hash_and_repr_are_a_dataclasss() -> None:
    assert Point(1) == Point(x=1, y=2) == Point(1, y=2) != Point(1, 3)
    assert hash(Point(1)) == hash(Twin(1)) and repr(Point(1)) == repr(Twin(1)).replace("Twin", "Point")
    assert Point(1) != Place(1) and Place(1, 2, "a").name == "a" and Point(1).total == 3
    assert pickle.loads(pickle.dumps(Point(5))) == Point(5)
    assert replace(Point(1), y=5) == Point(1, 5)
    match Point(3, 4):
        case Point(a, b):
            assert (a, b) == (3, 4)


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_wrong_construction_is_refused(values: tuple, named: dict) -> None:
    for cls in (Point, Twin):
        with pytest.raises(TypeError):
            cls(*values, **named)


def test_records_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Point(1).x
