"""P7: what 10,000 phrases and 2,000 rules cost a mail against the shipped configuration; CPU time."""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from bench.mails import mails
from bench.peers import REPOSITORY, configured
from bench.table import Row
from mailgate.decide import decide
from mailgate.ingest.parse import parse
from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.message import Envelope
from mailgate.model.reading import Reading
from mailgate.settings import load
from mailgate.understand import read

ROUNDS, COUNT, PHRASES, RULES = 5, 200, 10_000, 2_000
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)


def measure() -> list[Row]:
    small, raws = configured(), list(mails(COUNT, seed=7))
    with tempfile.TemporaryDirectory() as folder:
        _overlay(small, Path(folder))
        begun = time.process_time()
        large = load([REPOSITORY / "config", Path(folder)], {})
        _through(raws[:1], large)  # with what is made at the first mail
        loading = time.process_time() - begun
    _through(raws, small)
    rounds = [(_milliseconds(raws, small), _milliseconds(raws, large)) for _ in range(ROUNDS)]
    ratio = statistics.median(many / few for few, many in rounds)
    ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    deciding = statistics.median(_deciding(raws, large) for _ in range(ROUNDS))
    what = f"{len(large.service.rules):,} rules, {PHRASES:,} more phrases"
    return [
        Row(
            "P7",
            "parsing and deciding with many rules",
            f"{ratio:.2f} x",
            "1.3 x",
            "1.1 x",
            f"{theirs:.2f} ms, the shipped {ours:.2f} ms",
        ),
        Row("P7", "deciding what is stored, by many rules", f"{deciding:.2f} ms", "2 ms", "2 ms", what),
        Row("P7", "loading many rules", f"{loading:.2f} s", "3 s", "3 s", f"{what}; the first mail included"),
    ]


def _milliseconds(raws: Sequence[bytes], config: Config) -> float:
    begun = time.process_time()
    _through(raws, config)
    return (time.process_time() - begun) / len(raws) * 1e3


def _deciding(raws: Sequence[bytes], config: Config) -> float:
    readings = [_read(raw, config) for raw in raws]
    begun = time.process_time()
    for reading in readings:
        decide(reading, config, Facts(now=AT))
    return (time.process_time() - begun) / len(raws) * 1e3


def _through(raws: Sequence[bytes], config: Config) -> None:
    for raw in raws:
        decide(_read(raw, config), config, Facts(now=AT))


def _read(raw: bytes, config: Config) -> Reading:
    message = parse(raw, config.service.text, config.service.markings)
    return read(message, Envelope(message.return_path, tuple(to.address for to in message.to), AT), config)


def _overlay(config: Config, folder: Path) -> None:
    """A folder to lay over the shipped one: JSON, which is YAML too, in files below the largest that is read."""
    chance = random.Random(7)  # noqa: S311 (repeatable chance)
    tasks = [(name, task) for name, category in config.service.categories.items() for task in category.tasks]
    phrases: dict[tuple[str, str], list[str]] = {path: [] for path in tasks}
    for path, phrase in zip(cycle(tasks), _phrases(chance, PHRASES), strict=False):
        phrases[path].append(phrase)
    categories: dict[str, dict[str, dict[str, dict[str, list[str]]]]] = {}
    for (name, task), more in phrases.items():
        known = config.service.categories[name].tasks[task].recognise
        categories.setdefault(name, {"tasks": {}})["tasks"][task] = {"recognise": [*known, *more]}
    (folder / "categories.yml").write_text(json.dumps({"categories": categories}))
    (folder / "rules.yml").write_text(json.dumps({"rules": list(_rules(chance, tasks))}))


def _phrases(chance: random.Random, count: int) -> Iterator[str]:
    """Phrases of two to four words, of which every third is one that mails are full of."""
    common = ("letter", "warning", "case", "check", "report", "order", "release", "court", "the", "send", "hearing")
    made = [f"{first}{middle}{last}" for first in _FIRST for middle in "aeiou" for last in _LAST]
    for _ in range(count):
        yield " ".join(chance.choice(common if chance.random() < 1 / 3 else made) for _ in range(chance.randint(2, 4)))


_FIRST = ("brk", "st", "pl", "gr", "fl", "cr", "th", "w")
_LAST = ("nd", "mp", "ck", "rt", "lling", "stone", "ford", "wick")


def _rules(chance: random.Random, tasks: Sequence[tuple[str, str]]) -> Iterator[dict[str, object]]:
    """Rules of every kind that people write."""
    phrases = _phrases(chance, 10 * RULES)
    for number in range(RULES):
        words = [next(phrases), next(phrases)]
        when: dict[str, object] = [
            {"subject": words},
            {"body": words},
            {"from": f"person{number}@justice.example"},
            {"to": f"mailbox{number}@justice.example", "has": ["crn"]},
            {"task": ".".join(tasks[number % len(tasks)]), "hearing-date": "within 2 working days"},
            {"body": rf"/{chance.choice(_FIRST)}[a-z]+ck \d{{3}}/"},
            {"any": [{"subject": words}, {"header": {f"X-Thing-{number}": "1"}}]},
            {"all": [{"sender_role": f"role {number}"}, {"not": {"body": words}}]},
        ][number % 8]  # fmt: skip
        yield {"name": f"rule {number}", "when": when, "then": {"tag": f"t{number}"}}
