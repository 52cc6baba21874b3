"""Reads the directory of people from YAML or CSV: columns name, address, role, unit, team.

The whole file is checked before anybody is stored; every mistake is told with its line.
"""

import csv
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from io import StringIO
from typing import NamedTuple

from mailgate.errors import MailgateError
from mailgate.model.people import Person
from mailgate.notify.headers import can_be_written, clean
from mailgate.rules.located import Node, Place, Problem, read

COLUMNS = ("name", "address", "role", "unit", "team")
_NEEDED = ("name", "address")


class _Row(NamedTuple):
    place: Place
    values: Mapping[str, str]


def read_people(content: bytes, file: str, teams: Collection[str] | None = None) -> tuple[Person, ...]:
    """The people in *content*, the bytes of a file of the name *file*; CSV where that ends in ".csv".

    *teams* are the teams there are; None takes any. Raises MailgateError with every mistake,
    one a line, as "file:line:column  what is wrong".
    """
    problems: list[Problem] = []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MailgateError(f'{file} is not in UTF-8; in a spreadsheet save it as "CSV UTF-8".') from None
    rows = _csv_rows(text, file, problems) if file.lower().endswith(".csv") else _yaml_rows(text, file, problems)
    people = tuple(_people(rows, teams, problems))
    if problems:
        raise MailgateError("\n".join(str(problem) for problem in sorted(problems, key=lambda each: each.line)))
    return people


def _people(rows: Iterator[_Row], teams: Collection[str] | None, problems: list[Problem]) -> Iterator[Person]:
    lines: dict[str, int] = {}
    for place, values in rows:
        said = {name: clean(value) for name, value in values.items()}
        person = Person(**(dict.fromkeys(_NEEDED, "") | said | {"address": said.get("address", "").lower()}))
        wrong = list(_mistakes(person, teams))
        if person.address in lines:
            wrong.append(f'"{person.address}" is given twice; the first is on line {lines[person.address]}')
        problems += [place.problem(text) for text in wrong]
        lines.setdefault(person.address, place.line)
        yield person


def _mistakes(person: Person, teams: Collection[str] | None) -> Iterator[str]:
    missing = [name for name in _NEEDED if not getattr(person, name)]
    if missing:
        yield f"this person has no {' and no '.join(missing)}"
    if person.address and not can_be_written(person.address):
        yield f'"{person.address}" is not a mail address'
    if person.team and teams is not None and person.team not in teams:
        yield f'unknown team "{person.team}"' + _nearest(person.team, teams)


def _nearest(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, sorted(known), 1, 0.5)
    return f'; nearest is "{found[0]}"' if found else f"; there are: {', '.join(known)}"


def _unknown_columns(names: Collection[str]) -> Iterator[str]:
    for name in names:
        if name not in COLUMNS:
            yield f'unknown column "{name}"' + _nearest(name, COLUMNS)


# ------------------------------------------------------------------ YAML


def _yaml_rows(text: str, file: str, problems: list[Problem]) -> Iterator[_Row]:
    source = read(text, file)
    problems += source.problems
    if source.root is None:
        return
    if not isinstance(source.root.value, list):
        problems.append(source.root.place.problem("expected a list of people, each line beginning with a hyphen"))
        return
    for node in source.root.value:
        if isinstance(node.value, dict):
            yield _Row(node.place, dict(_entries(node, problems)))
        else:
            problems.append(node.place.problem("expected a person: name: …, address: …"))


def _entries(node: Node, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for name, entry in node.entries.items():
        unknown = list(_unknown_columns([name]))
        problems += [entry.key.problem(text) for text in unknown]
        if isinstance(entry.value, (list, dict)):
            problems.append(entry.place.problem(f'expected text for "{name}"'))
        elif not unknown:
            yield name, entry.value or ""


# ------------------------------------------------------------------ CSV


def _csv_rows(text: str, file: str, problems: list[Problem]) -> Iterator[_Row]:
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        wrong = list(_unknown_columns(columns))
        wrong += [f'there is no column "{name}"' for name in _NEEDED if name not in columns]
        wrong += [f'the column "{name}" is given twice' for name in COLUMNS if columns.count(name) > 1]
        problems += [Problem(file, 1, 1, text) for text in wrong]
        if wrong:
            return
        for cells in lines:
            place = Place(file, lines.line_num, 1)
            if len(cells) > len(columns):
                problems.append(place.problem(f"expected {len(columns)} values, found {len(cells)}"))
            elif any(cell.strip() for cell in cells):
                yield _Row(place, dict(zip(columns, cells, strict=False)))
    except csv.Error as error:
        problems.append(Problem(file, lines.line_num, 1, f"this cannot be read as CSV: {error}"))
