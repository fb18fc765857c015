"""``derive new`` writes a definition to begin with; ``derive list FAMILY`` says what torch calls its entries."""

import json

import pytest

from derive.cli import run
from derive.language import load_definition


def test_a_new_definition_works_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "mylayer"]) == 0
    assert capsys.readouterr().out == "./mylayer.py\n"
    assert load_definition("./mylayer.py").name == "mylayer"
    assert run(["layer", "./mylayer.py", "--no-cache"]) == 0
    assert "mylayer · gradient of weight" in capsys.readouterr().out
    assert run(["generate", "./mylayer.py", "--target", "torch", "-o", "out"]) == 0
    assert (tmp_path / "out" / "mylayer_torch.py").is_file()


def test_it_never_writes_over_a_file(tmp_path, capsys):
    (tmp_path / "mine.py").write_text("mine")
    assert run(["new", "mine", "-o", str(tmp_path)]) == 2
    assert "already there" in capsys.readouterr().err and (tmp_path / "mine.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["3x", "a b", "../x", "def", "Über", "x" * 40, ""])
def test_a_name_that_is_none_is_refused(name, tmp_path, capsys):
    assert run(["new", name, "-o", str(tmp_path)]) == 2
    assert "no name for a definition" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_said(tmp_path, capsys):
    assert run(["new", "mine", "-o", str(tmp_path / "nowhere")]) != 0
    assert "cannot write" in capsys.readouterr().err


def test_a_family_with_torchs_names(capsys):
    assert run(["list", "normalization"]) == 0
    out = capsys.readouterr().out
    assert "layer_norm" in out and "nn.LayerNorm" in out and "conv2d" not in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert run(["list", "normalization", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data["families"]) == ["normalization"] and "nn.LayerNorm" in data["torch"]["layer_norm"]


def test_a_family_that_is_none_gets_a_suggestion(capsys):
    assert run(["list", "normalisation"]) == 2
    assert "did you mean normalization" in capsys.readouterr().err
