"""Whether the texts at GOV.UK Notify fit what we send (docs/notify.md section 7, rule 10)."""

from collections.abc import Callable, Mapping
from typing import Any

from mailgate import journal
from mailgate.errors import GiveUp, NotNow, TryLater, Uncertain
from mailgate.model.config import Config
from mailgate.notify.texts import mistakes

Look = Callable[[str], Mapping[str, Any]]


def compared(config: Config, look: Look | None) -> Mapping[str, tuple[str, ...]]:
    """What is different in each configured template, by its key; nothing where *look* is None: there is no key.

    An archived template is still shown but refuses to be sent, so that this cannot find it.
    """
    if look is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for key, name in config.service.alerts.templates.known.items():
        try:
            found[key] = mistakes(key, look(name))
        except NotNow as error:
            found[key] = (f"it cannot be seen: is its id right? {error}",)
        except (TryLater, Uncertain, GiveUp) as error:
            found[key] = (f"it cannot be looked at now: {error}",)
    return {key: differences for key, differences in found.items() if differences}


def check(config: Config, look: Look) -> None:
    """Say in the log which templates do not fit; mail is accepted all the same."""
    for key, differences in compared(config, look).items():
        for difference in differences:
            journal.template_differs(key, difference)
