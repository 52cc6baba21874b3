#!/usr/bin/env python3
"""Score what the gateway made of a folder of mails against its NN-*.expected.yml files.

    mailgate rehearse FOLDER --json | python examples/score.py FOLDER [--min 0.95] [--only new_ticket] [--truth FILE]

Standard input is one JSON object a line, one for each mail, with the field names of
expected.yml (README.md beside this file) and `file`, the mail's file name.
Prints a table of rates and every mail that went wrong; exits 1 below --min or on a fatal error.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Entry = dict[str, Any]

SCORED = ("action", "task", "crn", "missing_information", "priority", "sla_policy", "joins", "intent", "command")
DECISIVE = ("action", "task", "crn", "missing_information", "joins", "command_do", "more_tickets")
OF_NEW_TICKETS = {"task", "priority", "sla_policy", "crn", "missing_information", "more_tickets"}
UNSCORED_WHEN_NULL = {"task", "priority", "sla_policy", "intent", "joins", "command_do"}


def facts(entry: Entry) -> Entry:
    """The comparable facts of one mail, whether expected or produced."""
    command = entry.get("command") or {}
    joins = entry.get("duplicate_of") or entry.get("follow_up_to")
    return {
        "action": entry.get("action"),
        "task": entry.get("task"),
        "crn": entry.get("crn"),
        "missing_information": sorted(entry.get("missing_information") or []),
        "priority": entry.get("priority"),
        "sla_policy": entry.get("sla_policy"),
        "joins": f"{joins:06}" if isinstance(joins, int) else joins,  # the generator counts deliveries
        "intent": entry.get("intent"),
        "command_do": command.get("do"),
        "command": {key: str(value) for key, value in sorted(command.items()) if key in ("do", "to", "until")},
        "more_tickets": [(more.get("task"), more.get("crn")) for more in entry.get("more_tickets") or []],
    }


def counts(name: str, expected: Entry) -> bool:
    """Whether the fact *name* is scored for a mail of which this is *expected*."""
    if name in OF_NEW_TICKETS and expected["action"] != "new_ticket":
        return False
    if name in UNSCORED_WHEN_NULL and expected[name] is None:
        return False
    return name != "command" or expected["action"] == "command"


def fatal_errors(stem: str, expected: Entry, got: Entry) -> Iterator[str]:
    """The two errors that are worse than all others."""
    if expected["action"] != "new_ticket":
        return
    if got["action"] not in ("new_ticket", "follow_up", "duplicate", "command"):
        yield f"{stem}: a request that reached no ticket"
    if got["crn"] and got["crn"] != expected["crn"]:
        yield f"{stem}: wrong CRN {got['crn']} (want {expected['crn']})"


def expectations(folder: Path, truth: Path | None, only: str | None) -> dict[str, Entry]:
    """What is expected of each mail, by its file name without ".eml"."""
    if truth:
        entries = {Path(entry["file"]).stem: entry for entry in json_lines(truth.read_text("utf-8").splitlines())}
        # generated commands answer notices that no gateway sent, so nothing may run them
        entries = {stem: entry for stem, entry in entries.items() if entry["action"] != "command"}
    else:
        yaml = YAML(typ="safe")
        entries = {path.name.removesuffix(".expected.yml"): yaml.load(path) for path in folder.glob("*.expected.yml")}
    return {stem: facts(entry) for stem, entry in sorted(entries.items()) if only in (None, entry.get("action"))}


def json_lines(lines: Iterable[str]) -> Iterator[Entry]:
    return (json.loads(line) for line in lines if line.strip())


def report(wanted: dict[str, Entry], produced: dict[str, Entry]) -> tuple[float, list[str]]:
    """Print the table and what went wrong; the share of mails wholly right, and the fatal errors."""
    pairs = {stem: (expected, facts(produced.get(stem, {}))) for stem, expected in wanted.items()}
    for name in SCORED:
        scored = [got[name] == expected[name] for expected, got in pairs.values() if counts(name, expected)]
        rate = sum(scored) / len(scored) if scored else 1
        print(f"{name:20} {sum(scored):3}/{len(scored):<3} {rate:6.1%}")
    wrong, fatal = 0, []
    for stem, (expected, got) in pairs.items():
        missed = [name for name in facts({}) if counts(name, expected) and got[name] != expected[name]]
        if missed:
            print(f"- {stem}: " + "; ".join(f"{name}: want {expected[name]!r}, got {got[name]!r}" for name in missed))
        wrong += any(name in DECISIVE for name in missed)
        fatal += fatal_errors(stem, expected, got)
    for line in fatal:
        print(f"! {line}")
    right = len(pairs) - wrong
    print(f"wholly right {right}/{len(pairs)} = {right / len(pairs):.1%}; fatal errors {len(fatal)}")
    return right / len(pairs), fatal


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--min", type=float, default=0.0, help="lowest share of mails wholly right")
    parser.add_argument("--only", help="score only mails whose expected action is this, for example new_ticket")
    parser.add_argument("--truth", type=Path, help="the generator's truth file, instead of *.expected.yml")
    options = parser.parse_args()
    wanted = expectations(options.folder, options.truth, options.only)
    if not wanted:
        print(f"nothing to compare with in {options.truth or options.folder}")
        return 1
    rate, fatal = report(wanted, {Path(entry["file"]).stem: entry for entry in json_lines(sys.stdin)})
    return 1 if fatal or rate < options.min else 0


if __name__ == "__main__":
    sys.exit(main())
