"""Learning from corrections: the phrases by which the rules would have got right what a person had to put right.

A candidate is tried on every stored mail that has its words, in whatever form: what the rules make of it with the
phrase, and without.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailgate import understand
from mailgate.backtest import batches, decided
from mailgate.model.config import Config
from mailgate.model.decision import NewTicket
from mailgate.model.reading import Reading
from mailgate.rules.stems import content
from mailgate.rules.wordings import wordings
from mailgate.store import known
from mailgate.store.engine import Store
from mailgate.store.known import KnownMail

MOST_READ = 2000  # characters of a mail from which phrases are taken: what it is about stands in front
MOST_TRIED = 12  # phrases for each task
MOST_SHOWN = 3

Candidate = tuple[str, str]
"""A task, and a phrase for it."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A *phrase* for *task*, and the tickets of the mails that it would send elsewhere.

    *right*: to the task that they have today. *broken*: away from it. *moved*: to another that is neither.
    """

    task: str
    phrase: str
    right: tuple[str, ...]
    moved: tuple[str, ...]
    broken: tuple[str, ...]


def suggest(store: Store, config: Config, since: datetime) -> list[Suggestion]:
    """The best phrases for each task that people gave to mails which came *since*; of a task the best first."""
    wrong = _still_wrong(store, config, since)
    tried = _worth_trying(store, config, since, wrong)
    found: dict[str, list[Suggestion]] = defaultdict(list)
    for candidate, mails in _having(store, config, since, tried).items():
        tested = _tested(candidate, mails, config)
        if set(tested.right) & {mail.ref for mail in wrong}:
            found[tested.task].append(tested)
    return [one for task in sorted(found) for one in sorted(found[task], key=_worth, reverse=True)[:MOST_SHOWN]]


def _still_wrong(store: Store, config: Config, since: datetime) -> list[KnownMail]:
    """The mails whose task a person changed, and which would go wrong again."""
    with store.read() as connection:
        corrected = known.corrected(connection, since)
    mails = (mail for batch in batches(store, since) for mail in batch if mail.id in corrected)
    return [mail for mail in mails if _task(mail, config) != mail.task]


def _worth_trying(store: Store, config: Config, since: datetime, wrong: Iterable[KnownMail]) -> list[Candidate]:
    """The phrases that stand in most of the *wrong* mails of a task and in fewest of other tasks."""
    asked: dict[str, Counter[str]] = defaultdict(Counter)
    for mail in wrong:
        asked[mail.task or ""].update(_phrases(understand.reread(mail.reading, config)))
    wanted = {phrase for phrases in asked.values() for phrase in phrases}
    elsewhere: Counter[Candidate] = Counter()
    for mail in _opening(store, since) if wanted else ():
        for phrase in wanted.intersection(_phrases(understand.reread(mail.reading, config))):
            elsewhere.update((task, phrase) for task in asked if task != mail.task)
    return [
        (task, phrase)
        for task, phrases in asked.items()
        for phrase in sorted(phrases, key=lambda each: elsewhere[task, each] - phrases[each])[:MOST_TRIED]
    ]


def _having(
    store: Store, config: Config, since: datetime, tried: Iterable[Candidate]
) -> Mapping[Candidate, list[KnownMail]]:
    """The mails that have all words that matter in a candidate, in whatever form."""
    stems = {candidate: frozenset(content(candidate[1])) for candidate in tried}
    found: dict[Candidate, list[KnownMail]] = {candidate: [] for candidate in stems}
    for mail in _opening(store, since) if stems else ():
        reading = understand.reread(mail.reading, config)
        said = frozenset(content(f"{reading.subject}\n{reading.wording}"))
        for candidate, wanted in stems.items():
            if wanted <= said:
                found[candidate].append(mail)
    return found


def _tested(candidate: Candidate, mails: Iterable[KnownMail], config: Config) -> Suggestion:
    """What the phrase does to *mails*."""
    task, phrase = candidate
    taught = _taught(config, task, phrase)
    tickets: dict[str, list[str]] = {"right": [], "moved": [], "broken": []}
    for mail in mails:
        before, after = _task(mail, config), _task(mail, taught)
        if before != after:
            became = "right" if after == mail.task else "broken" if before == mail.task else "moved"
            tickets[became].append(mail.ref or "")
    return Suggestion(task, phrase, **{name: tuple(refs) for name, refs in tickets.items()})


def _worth(one: Suggestion) -> tuple[int, int]:
    return len(one.right) - len(one.broken), -len(one.moved)


def _opening(store: Store, since: datetime) -> Iterator[KnownMail]:
    """The mails that opened a ticket."""
    return (mail for batch in batches(store, since) for mail in batch if mail.opened)


def _task(mail: KnownMail, config: Config) -> str | None:
    """What *config* takes the mail to ask for."""
    outcome = decided(mail, config).outcome
    return outcome.drafts[0].task if isinstance(outcome, NewTicket) else None


def _phrases(reading: Reading) -> list[str]:
    """The phrases that stand in it, each once, in order of place, the subject first."""
    return list(dict.fromkeys(wordings(f"{reading.subject}\n\n{reading.wording[:MOST_READ]}")))


def _taught(config: Config, path: str, phrase: str) -> Config:
    """*config*, in which the task *path* is recognised by *phrase* too."""
    name, _, task_name = path.partition(".")
    category, task = config.task(path)
    tasks = {**category.tasks, task_name: task.model_copy(update={"recognise": (*task.recognise, phrase)})}
    categories = {**config.service.categories, name: category.model_copy(update={"tasks": tasks})}
    service = config.service.model_copy(update={"categories": categories})
    return config.model_copy(update={"version": f"{config.version} with {path}: {phrase}", "service": service})
