"""The command line: parse, call one room, exit code.

stdout carries data, stderr messages.  Exit codes: 0 pass, 1 a check failed, 2 usage, 3 internal, 5 nothing was checked.
Heavy rooms are imported by the command that needs them; ``--help``, ``list`` and a warm cache load no sympy.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from derive import __version__
from derive.errors import DeriveError, InputError

INTERNAL, USAGE, FAILED, NOTHING = 3, 2, 1, 5


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="derive")
def commands() -> None:
    """Write a layer once, as forward equations; get its gradients, its code and the proof."""


# ------------------------------------------------------------------------------ list


@commands.command("list")
@click.argument("families", nargs=-1, metavar="[FAMILY]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(families: tuple[str, ...], as_json: bool) -> None:
    """What the catalogue holds, by family; of a FAMILY also what torch calls its entries."""
    from derive.reports import listing

    click.echo((listing.to_json if as_json else listing.to_text)(families), nl=False)


@commands.command()
@click.argument("name")
@click.option("-o", "--output", "folder", default=".", type=click.Path(), help="The folder to write into.")
def new(name: str, folder: str) -> None:
    """A commented file to write your own layer in: derive new mylayer."""
    from derive.reports.listing import start

    click.echo(start(name, folder))


# ------------------------------------------------------------------------------ formulas


def _values(_context: Any, _parameter: Any, items: tuple[str, ...]) -> dict[str, Any]:
    """``stride=2,3 bias=None`` -> choices; the definition says which names and kinds are right."""
    choices: dict[str, Any] = {}
    for item in items:
        name, sign, text = item.partition("=")
        if not sign or not name.isidentifier():
            raise InputError(
                f"{item!r} is not a hyperparameter", mend="write name=value, as in stride=2 or padding=1,0"
            )
        if name in choices:
            raise InputError(f"{name} is given twice", mend="give each hyperparameter once")
        choices[name] = parse_value(text)
    return choices


def _complete(_context: Any, _parameter: Any, begun: str) -> list[Any]:
    """Catalogue names for the shell, and files."""
    from click.shell_completion import CompletionItem

    from derive.language.find import catalogue_index

    names = [CompletionItem(name) for name in catalogue_index() if name.startswith(begun)]
    return names or [CompletionItem(begun, type="file")]


_CONSTANTS = {"none": None, "true": True, "false": False}


def parse_value(text: str) -> Any:
    """A number, a tuple of them (``2,3``), True, False, None, or the text itself."""
    if "," in text:
        return tuple(parse_value(part) for part in text.strip("()[]").split(",") if part.strip())
    word = text.strip()
    if word.lower() in _CONSTANTS:
        return _CONSTANTS[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _source(target: str) -> tuple[str, str]:
    """What ``derive.load`` is given, and the text the result depends on; ``-`` is standard input."""
    if target == "-":
        text = sys.stdin.buffer.read(_MOST_BYTES).decode("utf-8", "replace") + "\n"
        return text, text
    for path in (target, target.rpartition(":")[0]):
        if path and os.path.isfile(path):
            try:
                with open(path, "rb") as file:
                    return target, file.read(_MOST_BYTES).decode("utf-8", "replace")
            except OSError:
                break  # whoever reads it says so better
    return target, ""


#: More than any definition the language accepts.
_MOST_BYTES = 1 << 24

FORMATS = click.Choice(["text", "latex", "markdown", "mathml", "json", "python"])

_FORMULA_OPTIONS = (
    click.argument("target", metavar="NAME|PATH", shell_complete=_complete),
    click.argument("choices", nargs=-1, metavar="[KEY=VALUE]...", callback=_values),
    click.option("--format", "format_", type=FORMATS, default="text"),
    click.option("--ascii", "ascii_", is_flag=True, help="Text in ASCII only."),
    click.option("--no-cache", is_flag=True, help="Derive again; keep nothing."),
)


def _with(options: tuple[Any, ...]) -> Any:
    def dressed(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return dressed


@commands.command()
@_with(_FORMULA_OPTIONS)
@click.option("--wrt", help="Only the gradients by these inputs, comma-separated.")
@click.option("--order", type=click.IntRange(1, 3), default=1, show_default=True, help="Highest order of derivative.")
@click.option("--jvp", is_flag=True, help="Tangents (forward mode) instead of gradients.")
@click.option("--steps", is_flag=True, help="How the gradients come about, step by step, each step checked.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of --steps.")
@click.option("--notation", type=click.Choice(["index", "matrix"]), default="index", show_default=True)
def layer(target: str, choices: dict[str, Any], **options: Any) -> None:
    """Forward equations and gradients of a layer or loss: derive layer conv2d stride=2.

    NAME is of the catalogue (derive list), PATH a file of definitions or file.py:name, - standard input.
    """
    asked = ("wrt", "order", "jvp", "steps", "lang", "notation")
    wrt, order, jvp, steps, lang, notation = (options.pop(name) for name in asked)
    names = tuple(n.strip() for n in wrt.split(",") if n.strip()) if wrt else None
    _fit_together(steps, lang, notation, order, jvp, options["format_"])

    def derivatives(program: Any) -> Any:
        from derive.doors import jvp as tangents
        from derive.doors import vjp as gradients

        derivative = program
        for n in range(1, order + 1):
            derivative = (tangents if jvp else gradients)(derivative, wrt=names if n == 1 else None)
            yield derivative

    def document(program: Any, _: str) -> Any:
        from derive import reports

        if options["format_"] == "python":
            return _definitions_text(program, *derivatives(program))
        if steps:
            from derive.verify.walkthrough import walkthrough

            return reports.steps(walkthrough(program, names), lang)
        said = reports.in_matrices if notation == "matrix" else reports.in_indices
        return said(program, derivatives(program))

    more = [wrt, order, jvp, steps, lang, notation]
    _formulas("layer", target, choices, document, more, **options)


def _fit_together(steps: bool, lang: str, notation: str, order: int, jvp: bool, format_: str) -> None:
    """Options that say nothing together are a usage error that names the way."""
    if lang != "en" and not steps:
        raise click.UsageError("--lang is the language of --steps: add --steps")
    if format_ == "python" and (steps or notation == "matrix"):
        raise click.UsageError(
            "--format python prints definitions; --steps and --notation matrix go with text, latex, markdown, mathml "
            "and json"
        )
    if steps and (order > 1 or jvp):
        raise click.UsageError("--steps tells the first gradients: leave --order and --jvp out")
    if steps and notation == "matrix":
        raise click.UsageError("--steps shows both notations: leave --notation out")


def _definitions_text(*programs: Any) -> str:
    """Programs as text of the definition language, which derive reads back."""
    from derive.language.unparse import to_text

    return "\n\n".join(map(to_text, programs))


@commands.command()
@_with(_FORMULA_OPTIONS)
def optimizer(target: str, choices: dict[str, Any], **options: Any) -> None:
    """The update rule of an optimizer and what is proved about it: derive optimizer adam."""

    def document(program: Any, source: str) -> Any:
        if program.role != "optimizer":
            raise InputError(f"{program.name} is no optimizer", mend=f"show it with: derive layer {target}")
        from derive.reports import with_theorems

        return _definitions_text(program) if options["format_"] == "python" else with_theorems(program, source, choices)

    _formulas("optimizer", target, choices, document, [], **options)


def _formulas(
    command: str, target: str, choices: dict[str, Any], document: Any, more: list[Any],
    *, format_: str, ascii_: bool, no_cache: bool,
) -> None:  # fmt: skip
    """Prints a document, from the cache when nothing it depends on has changed."""
    from derive.reports import cache

    source, text = _source(target)
    chosen = "ascii" if ascii_ and format_ == "text" else format_
    key = "" if no_cache else cache.key(command, source, text, sorted(choices.items()), chosen, more)
    printed = None if no_cache else cache.load(key)
    if printed is None:
        gc.disable()  # a short life: collecting while the libraries load frees nothing
        from derive.doors import load
        from derive.reports import render

        made = document(load(source, **choices), source)
        printed = made if isinstance(made, str) else render(made, chosen)
        if not no_cache:
            cache.store(key, printed)
    click.echo(printed, nl=False)


# ------------------------------------------------------------------------------ code


@commands.command()
@click.argument("target", metavar="NAME|PATH", shell_complete=_complete)
@click.argument("choices", nargs=-1, metavar="[KEY=VALUE]...", callback=_values)
@click.option("--target", "language", type=click.Choice(["numpy", "torch"]), default="numpy", show_default=True)
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="Where the file is written.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def generate(target: str, choices: dict[str, Any], language: str, folder: str, force: bool) -> None:
    """A self-contained file of forward and backward code: derive generate conv2d --target torch -o DIR."""
    from derive.doors import generate as made
    from derive.doors import load

    code = made(load(_source(target)[0], **choices), target=language)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made a folder: {error.strerror}"
        raise InputError(message, mend="name a folder you may write to after -o") from error
    path = os.path.join(folder, code.filename)
    if os.path.lexists(path) and not force:
        raise InputError(f"{path} is already there", mend="add --force to overwrite it, or choose another folder")
    click.echo(code.save(path, force=force))


# ------------------------------------------------------------------------------ checks


def _numbers(_context: Any, _parameter: Any, given: str | tuple[str, ...]) -> Any:
    """``2,3`` -> (2, 3), of one text or of each of several."""
    if isinstance(given, tuple):
        return tuple(_numbers(_context, _parameter, text) for text in given)
    numbers = parse_value(f"{given},")
    if not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise click.BadParameter(f"{given!r} is no list of whole numbers: write 2,3")
    return numbers


def _orders(_context: Any, _parameter: Any, text: str) -> tuple[int, ...]:
    """``1,2``: derivatives of which orders."""
    orders = _numbers(_context, _parameter, text)
    if not orders or not set(orders) <= {1, 2, 3}:
        raise click.BadParameter("derivatives are checked up to order 3: write some of 1,2,3")
    return tuple(sorted(set(orders)))


def _count(_context: Any, _parameter: Any, text: str) -> int:
    """How many workers; ``auto``: one a CPU."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or not int(text):
        raise click.BadParameter("write a number from 1 up, or auto")
    return int(text)


_REFERENCE, _FILE = "MODULE:NAME", click.Path(dir_okay=True)

_CHECK_OPTIONS = (
    click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=_complete),
    click.option("--all", "all", is_flag=True, help="Everything in the catalogue."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the random inputs."),
    click.option("--orders", default="1,2", show_default=True, callback=_orders, help="Orders of derivative."),
    click.option("--inputs", default="", metavar=_REFERENCE, help="Example inputs of your code, or what makes them."),
    click.option("--shape", "shapes", multiple=True, metavar="2,3", callback=_numbers, help="Of an input; repeatable."),
    click.option("--backward", default="", metavar=_REFERENCE, help="The other half of a forward/backward pair."),
    click.option("--reference", default="", metavar=_REFERENCE, help="An independent forward to compare with."),
    click.option("--workers", default="1", metavar="N|auto", callback=_count, help="Processes side by side."),
    click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Of one target."),
    click.option("--shard", default="", metavar="I/N", help="The I-th of N shares of the targets."),
    click.option("--merge", is_flag=True, help="The targets are --json reports, to be joined."),
    click.option("--json", "json", is_flag=True, help="Print JSON instead of a table."),
    click.option("--junit", default="", type=_FILE, metavar="FILE", help="JUnit XML."),
    click.option("--sarif", default="", type=_FILE, metavar="FILE", help="SARIF 2.1.0, for code scanning."),
    click.option("--html", default="", type=_FILE, metavar="FILE", help="A page to look at, with the formulas."),
    click.option("--github/--no-github", default=None, help="Annotations and summary; on in GitHub Actions."),
    click.option("--mutate", is_flag=True, help="Plant faults instead: does the checker find them?"),
    click.option("--limit", type=click.IntRange(1), default=3, show_default=True, help="Mutants of a kind."),
)


@commands.command()
@_with(_CHECK_OPTIONS)
def check(targets: tuple[str, ...], **options: Any) -> int:
    """Is it true?  Derivatives against independent references, worst first.

    TARGET is a catalogue name, a definition file or file.py:name, - for standard input, or your own code as
    module:attribute: an autograd.Function, an operation, a module, an optimizer, a function of tensors.  Definitions
    are data and are never run; module:attribute is imported and run, so check only code that you trust.

    Exit code 0: passed, 1: a check failed, 2: usage, 5: nothing was checked.
    """
    if not (targets or options["all"]):
        raise click.UsageError("name what to check, or --all")
    from derive.reports.checking import Asked, run

    return run(Asked(tuple(t if options["merge"] else _source(t)[0] for t in targets), **options), _watched, _say)


def _say(text: str, messages: str) -> None:
    click.echo(text, nl=False)
    click.echo(messages, nl=False, err=True)


@contextmanager
def _watched(total: int) -> Iterator[Any]:
    """How far a sweep is, on stderr, if several targets are to come and a person watches."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda words: None
        return
    with click.progressbar(
        length=total, file=sys.stderr, show_pos=True, show_eta=False, item_show_func=lambda x: x
    ) as bar:
        yield lambda words: bar.update(1, words)


# ------------------------------------------------------------------------------ entry


def run(arguments: list[str] | None = None) -> int:
    """Runs a command line and returns its exit code; no traceback reaches a user."""
    try:
        code = commands.main(args=arguments, prog_name="derive", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        if os.environ.get("DERIVE_DEBUG") == "1":
            raise
        message, code = _explained(error)
        click.echo(f"derive: {message}", err=True)
        return code


def _explained(error: Exception) -> tuple[str, int]:
    """The message and the exit code of an error: the user's, a missing library's, or our own mistake."""
    if isinstance(error, DeriveError):
        return str(error), error.exit_code
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return "this needs torch, which is not installed\n    pip install 'derive-grad[torch]'", 2
    message = f"internal error: {type(error).__name__}: {error}"
    return f"{message}\n    this is a bug of derive; please report it with what DERIVE_DEBUG=1 prints", INTERNAL


def main() -> None:
    """The ``derive`` command."""
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    if "torch" in sys.modules:  # has threads and files of its own to put away
        sys.exit(code)
    os._exit(code)  # taking the symbolic library's objects apart one by one would cost a third of the time
