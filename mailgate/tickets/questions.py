"""Mails that ask for a list: an agent's own work, the team's, or what a requester still waits for.

They need who asks and nothing else: they change nothing, and are answered to that very address.
"""

from collections.abc import Mapping
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.decision import Asking, Question, Reading
from mailgate.model.message import Kind
from mailgate.tickets.phrases import COURTESY, GREETINGS, names_of, phrase, words_of
from mailgate.tickets.thread import lead_of

_LONGEST = 200  # characters
_IDLE = GREETINGS | COURTESY


def question(reading: Reading, config: Config) -> Question | None:
    """What the mail asks for, where it says nothing else; its subject counts where nothing is written below it."""
    message = reading.message
    if message.kind is not Kind.HUMAN or message.is_forward or len(reading.wording) > _LONGEST:
        return None
    known = _known(config)
    idle = _IDLE | names_of(message).difference(*known)
    said = (tuple(word.text for word in words_of(text) if word.text not in idle) for text in _texts(reading))
    kind = known.get(next((words for words in said if words), ()))
    if kind is None:
        return None
    return Question(kind, tuple(team for team in config.service.teams if lead_of(team, config) == reading.sender))


@lru_cache(maxsize=8)
def _known(config: Config) -> Mapping[tuple[str, ...], Asking]:
    """What each of the configured questions asks for, by the words that count in it."""
    return {
        words: kind
        for kind in reversed(Asking)
        for each in getattr(config.service.questions, kind)
        if (words := tuple(word for word in phrase(each) if word not in _IDLE))
    }


def _texts(reading: Reading) -> tuple[str, str]:
    return reading.wording, reading.subject
