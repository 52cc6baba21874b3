"""What people read instead of a permanent name: "enforcement.warning-letter" is "Warning letter"."""

from mailgate.model.config import Config


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


def _spoken(name: str, phrases: tuple[str, ...] = ()) -> str:
    """*name* as words; an abbreviation has its capitals where one of *phrases* writes it so."""
    capitals = {word for phrase in phrases for word in phrase.split() if word.isupper()}
    words = " ".join(word.upper() if word.upper() in capitals else word for word in name.split("-"))
    return words[:1].upper() + words[1:]
