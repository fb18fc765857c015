"""The cache: quick, invisible, and never wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from derive.cli import run
from derive.reports import cache as store
from tests.cli.test_cli import OWN, loaded_by


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def printed(arguments: list[str], capsys: pytest.CaptureFixture) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


def forbid_deriving(monkeypatch: pytest.MonkeyPatch) -> None:
    import derive.doors

    monkeypatch.setattr(derive.doors, "load", lambda *a, **k: pytest.fail("derived again"))


def test_a_second_run_prints_the_same_and_derives_nothing(capsys, monkeypatch) -> None:
    first = printed(["layer", "softmax"], capsys)
    forbid_deriving(monkeypatch)
    assert printed(["layer", "softmax"], capsys) == first


def test_a_warm_run_loads_no_sympy(capsys) -> None:
    printed(["layer", "softmax"], capsys)
    assert "sympy" not in loaded_by("from derive.cli import run; assert run(['layer', 'softmax']) == 0")


@pytest.mark.parametrize("more", [["--order", "2"], ["--jvp"], ["--format", "json"], ["--ascii"], ["--wrt", "x"]])
def test_other_arguments_are_other_entries(more: list[str], capsys, folder: Path) -> None:
    printed(["layer", "softmax"], capsys)
    printed(["layer", "softmax", *more], capsys)
    assert len(list(folder.glob("*.json"))) == 2


def test_a_changed_definition_is_derived_again(tmp_path: Path, capsys) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    first = printed(["layer", str(path)], capsys)
    path.write_text(OWN.replace("factor*x", "factor*factor*x"))
    assert printed(["layer", str(path)], capsys) != first


def test_a_changed_source_is_derived_again(monkeypatch) -> None:
    before = store.key("layer", "softmax")
    real = os.stat

    def stat(path, **more):
        result = real(path, **more)
        if str(path).endswith("program.py"):
            return os.stat_result((*result[:6], result.st_size + 1, *result[7:]))
        return result

    monkeypatch.setattr(store.os, "stat", stat)
    assert store.key("layer", "softmax") != before


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "key": "x", "text": "wrong"}', "\0\xff"]
)
def test_a_damaged_entry_is_derived_again(damage: str, capsys, folder: Path) -> None:
    first = printed(["layer", "relu"], capsys)
    (entry,) = folder.glob("*.json")
    entry.write_text(damage, encoding="latin-1")
    assert printed(["layer", "relu"], capsys) == first
    assert json.loads(entry.read_text(encoding="utf-8"))["text"] == first


def test_a_folder_that_cannot_be_is_ignored(capsys, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert "relu" in printed(["layer", "relu"], capsys)


def test_no_cache_keeps_nothing_and_reads_nothing(capsys, folder: Path, monkeypatch) -> None:
    printed(["layer", "relu", "--no-cache"], capsys)
    assert not folder.exists()
    printed(["layer", "relu"], capsys)
    monkeypatch.setattr(store, "load", lambda name: "stale")
    assert printed(["layer", "relu", "--no-cache"], capsys) != "stale"


def test_the_oldest_half_goes_when_there_are_too_many(monkeypatch, folder: Path) -> None:
    monkeypatch.setattr(store, "MOST_FILES", 4)
    for n in range(5):
        store.store(f"k{n}", "text")
        os.utime(folder / f"k{n}.json", (n, n))
    store.store("k5", "text")
    assert store.load("k5") == "text" and store.load("k0") is None
    assert len(list(folder.iterdir())) <= 4
