"""``derive check``: targets in, verdicts by the room that has them, reports out, an exit code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from derive.errors import DeriveError, InputError
from derive.reports import outputs
from derive.reports import verdicts as said
from derive.verify import plan

if TYPE_CHECKING:
    from derive.verify.ranks import Alone, Team
    from derive.verify.verdict import Verdict

FAILED, USAGE, NOTHING = 1, 2, 5

#: What only code of the user's can be given, and the option that says it.
_OF_CODE = {"inputs": "--inputs", "shapes": "--shape", "backward": "--backward", "reference": "--reference"}

#: Shows how far a sweep of so many targets is: what it gives is told of each.
Watch = Callable[[int], AbstractContextManager[Callable[[str], object]]]


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    targets: tuple[str, ...] = ()
    all: bool = False
    seed: int = 0
    orders: tuple[int, ...] = (1, 2)
    inputs: str = ""
    shapes: tuple[tuple[int, ...], ...] = ()
    backward: str = ""
    reference: str = ""
    workers: int = 1
    timeout: float | None = None
    shard: str = ""
    merge: bool = False
    json: bool = False
    junit: str = ""
    sarif: str = ""
    html: str = ""
    github: bool | None = None
    mutate: bool = False
    limit: int = 3

    @property
    def annotates(self) -> bool:
        """Whether GitHub is to be told; in its own jobs it is unless a person says no."""
        return os.environ.get("GITHUB_ACTIONS") == "true" if self.github is None else self.github

    @property
    def command(self) -> str:
        """How to get the page again."""
        named = ["-" if "\n" in target else target for target in self.targets] + ["--all"] * self.all
        return shlex.join(["derive", "check", *named, "--seed", str(self.seed), "--html", self.html])

    @property
    def files(self) -> dict[str, str]:
        """Option -> path of the reports that are files."""
        return {f"--{name}": getattr(self, name) for name in ("junit", "sarif", "html") if getattr(self, name)}


@dataclass(frozen=True)
class Outcome:
    """What goes to standard output, to standard error, and the exit code."""

    text: str = ""
    messages: str = ""
    exit_code: int = 0


@dataclass
class Swept:
    """All that was asked for, the part of it that was this run's, and what came of it."""

    asked: list[str] = field(default_factory=list)
    part: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def run(asked: Asked, watch: Watch, say: Callable[[str, str], None]) -> int:
    """The command: what it says goes through ``say(data, messages)``; the processes of one job agree on the code."""
    from derive.verify import ranks

    if asked.merge and (asked.all or asked.shard or asked.mutate):
        raise InputError("--merge joins reports, and checks nothing itself", mend="name files that --json wrote")
    team = ranks.team()
    try:
        outcome = _mutated(asked, watch, team) if asked.mutate else _checked(asked, watch, team)
    except DeriveError as error:
        if team.leads:
            raise
        return error.exit_code
    if team.leads:
        say(outcome.text, outcome.messages)
    return team.agree(outcome.exit_code)


def _checked(asked: Asked, watch: Watch, team: Alone | Team) -> Outcome:
    """Sweeps or merges, and writes the reports that are files."""
    if team.leads:
        outputs.writable(asked.files)
    swept = _merged(asked) if asked.merge else _swept(asked, watch, team)
    if not team.leads:
        return Outcome()
    found = swept.verdicts
    unread = [row.detail for v in found for row in v.rows if row.check == "load"]
    if unread and len(unread) == sum(len(v.rows) for v in found):  # nothing but what cannot be read
        return Outcome("", "".join(f"derive: {detail}\n" for detail in dict.fromkeys(unread)), USAGE)
    _deliver(asked, found)
    text = said.to_json(found, swept.asked, asked.shard) if asked.json else said.to_table(found)
    return Outcome(text, _messages(asked, swept), exit_code(found))


def _mutated(asked: Asked, watch: Watch, team: Alone | Team) -> Outcome:
    """Planted faults instead: how many of each kind the checker kills; of several ranks the first does it."""
    if not team.leads:
        return Outcome()
    from derive.reports import mutations
    from derive.verify.mutation import mutate_all

    names = plan.targets(asked.targets, asked.all)
    how: dict[str, Any] = {"seed": asked.seed, "limit": asked.limit, "seconds": asked.timeout}
    with watch(len(names)) as tell:
        found = mutate_all(names, asked.workers, lambda report: tell(report.target), **how)
    return Outcome(mutations.to_json(found) if asked.json else mutations.to_table(found), "", exit_code(found))


def exit_code(verdicts: Sequence[Any]) -> int:
    """1 where one failed, 0 where the others passed, 5 where nothing was checked."""
    codes = {v.exit_code for v in verdicts}
    return FAILED if FAILED in codes else 0 if 0 in codes else NOTHING


def _swept(asked: Asked, watch: Watch, team: Alone | Team) -> Swept:
    from derive.verify.request import Request

    names = plan.targets(asked.targets, asked.all)
    part = plan.share(names, *plan.share_of(asked.shard)) if asked.shard else names
    requests = [Request(name, asked.seed, asked.orders, evidence=bool(asked.html)) for name in part]
    own = {name: getattr(asked, name) for name in _OF_CODE if getattr(asked, name)}
    if own and all(Request(name).is_definition for name in names):
        given = ", ".join(_OF_CODE[name] for name in own)
        raise InputError(f"{given} is about code of your own", mend="name it as module:attribute, as in my_ops:Square")
    requests = [r if r.is_definition else replace(r, **own) for r in requests]
    with watch(len(requests)) as tell:
        how = {"workers": asked.workers, "timeout": asked.timeout}
        found = team.sweep(requests, on_done=lambda v: tell(f"{v.name} {v.status}"), **how)
    return Swept(names, part, found)


def _merged(asked: Asked) -> Swept:
    """The verdicts of several ``--json`` reports; a target that none of them has was not run."""
    names: dict[str, None] = {}
    found: list[Verdict] = []
    for path in asked.targets:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise InputError(f"{path} cannot be read: {what}", mend="merge files that --json wrote") from error
        targets, verdicts = said.read_json(text, path)
        names |= dict.fromkeys([*targets, *(v.target for v in verdicts)])
        found += verdicts
    return Swept(list(names), list(names), plan.completed(list(names), found))


def _deliver(asked: Asked, found: Sequence[Verdict]) -> None:
    """The reports that are files, and GitHub's job summary."""
    if asked.junit:
        from derive.reports.junit import to_junit

        outputs.write(asked.junit, to_junit(found))
    if asked.sarif:
        from derive.reports.sarif import to_sarif

        outputs.write(asked.sarif, to_sarif(found))
    if asked.html:
        from derive.reports.html import formulas, to_html

        outputs.write(asked.html, to_html(found, formulas(found), command=asked.command))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if asked.annotates and summary:
        from derive.reports.github import to_summary

        outputs.append(summary, to_summary(found))


def _messages(asked: Asked, swept: Swept) -> str:
    """What stands beside the data: an empty share, GitHub's annotations."""
    parts = []
    if asked.shard and not swept.part:
        parts.append(f"derive: shard {asked.shard} is empty: there are only {len(swept.asked)} targets to share\n")
    if asked.annotates:
        from derive.reports.github import to_annotations

        parts.append(to_annotations(swept.verdicts))
    return "".join(parts)
