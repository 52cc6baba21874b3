"""What people read instead of a permanent name: "enforcement.warning-letter" is "Warning letter".

Labels are written in English. Where a mail is in Welsh, "welsh" of the configuration says what to write instead.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.sending import Language
from mailgate.model.ticket import Status, WaitingFor

STATUSES: Mapping[Language, Mapping[Status, str]] = {
    Language.ENGLISH: {
        Status.NEW: "received, not started yet",
        Status.OPEN: "in progress",
        Status.WAITING: "on hold",
        Status.DONE: "done",
        Status.CANCELLED: "cancelled",
    },
    Language.WELSH: {
        Status.NEW: "wedi dod i law, heb ei ddechrau eto",
        Status.OPEN: "ar waith",
        Status.WAITING: "wedi'i ohirio",
        Status.DONE: "wedi'i gwblhau",
        Status.CANCELLED: "wedi'i ganslo",
    },
}
WAITING_FOR: Mapping[Language, Mapping[WaitingFor, str]] = {
    Language.ENGLISH: {
        WaitingFor.REQUESTER: "your reply",
        WaitingFor.THIRD_PARTY: "somebody outside our team",
        WaitingFor.CAPACITY: "staff to become available",
    },
    Language.WELSH: {
        WaitingFor.REQUESTER: "eich ateb",
        WaitingFor.THIRD_PARTY: "rywun y tu allan i'n tîm",
        WaitingFor.CAPACITY: "staff i ddod yn rhydd",
    },
}


def translated(words: str, language: Language, config: Config) -> str:
    """*words* of the configuration in *language*; as they are where "welsh" does not have them."""
    return config.service.welsh.get(words, words) if language is Language.WELSH else words


def translatable(config: Config) -> Iterator[str]:
    """All words of the configuration that a mail may show."""
    service = config.service
    yield from (team_label(config, team) for team in service.teams)
    yield from (
        mail_label(config, f"{category}.{task}")
        for category, found in service.categories.items()
        for task in (*found.tasks, "other")
    )
    yield from (found.label or name for name, found in service.identifiers.items() if found.key)
    yield from (information.ask for information in service.information.values())


def mail_label(config: Config, task: str | None) -> str:
    """What a mail calls *task*: the neutral words that the service chose, else its label; "" for none."""
    return config.service.privacy.neutral.get(task or "") or task_label(config, task)


def task_label(config: Config, task: str | None) -> str:
    """The label of *task* ("category.task"); for mail that no phrase recognised, its category's. "" for none."""
    if not task:
        return ""
    category, found = config.task(task)
    category_name, _, task_name = task.partition(".")
    if task_name == "other":
        return category.label or _spoken(category_name)
    return found.label or _spoken(task_name, found.recognise)


def team_label(config: Config, team: str | None) -> str:
    """The label of *team*; "" for none."""
    if not team:
        return ""
    found = config.service.teams.get(team)
    return (found.label if found else None) or _spoken(team)


@lru_cache(maxsize=1024)
def _spoken(name: str, phrases: tuple[str, ...] = ()) -> str:
    """*name* as words; an abbreviation has its capitals where one of *phrases* writes it so."""
    capitals = {word for phrase in phrases for word in phrase.split() if word.isupper()}
    words = " ".join(word.upper() if word.upper() in capitals else word for word in name.split("-"))
    return words[:1].upper() + words[1:]
