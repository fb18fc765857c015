"""Bad input at the command line: one paragraph, the place, the right exit code, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.cli import run

HEAD = "@layer\ndef f(x: Real[N, K]):\n"

BODIES = {
    "an unbound letter": "    y[n] = x[n, k]\n    return y\n",
    "a rank mismatch": "    y[n] = x[n]\n    return y\n",
    "a read out of range outside a reduction": "    y[n, k] = x[n, k + 1]\n    return y\n",
    "an unknown function": "    y[n, k] = frobnicate(x[n, k])\n    return y\n",
    "a name bound twice": "    y[n, k] = x[n, k]\n    y[n, k] = 2*x[n, k]\n    return y\n",
    "an import": "    import os\n    y[n, k] = x[n, k]\n    return y\n",
    "a call to open": "    y[n, k] = open('/etc/passwd')\n    return y\n",
    "a tower of powers": "    y[n, k] = x[n, k]*9**9**9\n    return y\n",
    "no return": "    y[n, k] = x[n, k]\n",
    "a syntax error": "    y[n, k] = = x[n, k]\n    return y\n",
    "a cycle both ways": "    h[n, k] = x[n, k] + h[n - 1, k] + h[n + 1, k]\n    return h\n",
    "ten thousand parentheses": f"    y[n, k] = {'(' * 10000}x[n, k]{')' * 10000}\n    return y\n",
    "too much text": "    y[n, k] = x[n, k]" + " + x[n, k]" * 20000 + "\n    return y\n",
    "an attribute": "    y[n, k] = x.__class__\n    return y\n",
    "a lambda": "    y[n, k] = (lambda: x[n, k])()\n    return y\n",
    "a text": "    y[n, k] = 'abc'\n    return y\n",
    "a null byte": "    y[n, k] = x[n, k]\0\n    return y\n",
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIVE_CACHE_DIR", str(tmp_path / "cache"))


def refused(arguments: list[str], capsys: pytest.CaptureFixture) -> str:
    """The message; asserts that it is one, and nothing else happened."""
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out and "Traceback" not in captured.err and "internal error" not in captured.err
    assert 0 < len(captured.err.strip().splitlines()) <= 5 and all(len(row) < 300 for row in captured.err.splitlines())
    return captured.err


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("command", ["layer", "generate"])
def test_a_bad_definition_is_refused_with_its_place(
    kind: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path, folder = tmp_path / "bad.py", tmp_path / "out"
    path.write_text(HEAD + BODIES[kind])
    message = refused([command, str(path), *(["-o", str(folder)] if command == "generate" else [])], capsys)
    assert "bad.py" in message
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("kind", ["an unbound letter", "a syntax error", "a null byte"])
def test_a_bad_definition_fails_its_check(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "bad.py"
    path.write_text(HEAD + BODIES[kind])
    assert "bad.py" in refused(["check", str(path)], capsys)


def test_files_that_are_none_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"# caf\xe9\n" + HEAD.encode())
    empty = tmp_path / "empty.py"
    empty.write_text("")
    for target in (
        latin,
        empty,
        tmp_path,
        tmp_path / "missing.py",
        f"{latin}:f",
        "a\0b",
        "x" * 5000,
        "../../etc/passwd",
    ):
        refused(["layer", str(target)], capsys)


@pytest.mark.parametrize(
    "choices", [["stride=0"], ["stride=1,2,3"], ["stride=nan"], ["stride=1.5"], ["groups=x"], ["bias=7"],
                ["stride="], ["=2"], ["__class__=1"], ["stride=True"]],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused(choices: list[str], capsys: pytest.CaptureFixture) -> None:
    refused(["layer", "conv2d", *choices], capsys)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for folder in ("/proc/derive", "/dev/null", "/dev/null/below"):
        refused(["generate", "relu", "-o", folder], capsys)
