"""Mails that ask for a list: an agent's own work, the team's, or what a requester still waits for.

They need who asks and nothing else: they change nothing, and are answered to that very address.
"""

from mailgate.model.config import Config
from mailgate.model.decision import Asking, Question, Reading
from mailgate.model.message import Kind
from mailgate.tickets.phrases import COURTESY, GREETINGS, names_of, phrase, words_of
from mailgate.tickets.thread import lead_of

_LONGEST = 200  # characters


def question(reading: Reading, config: Config) -> Question | None:
    """What the mail asks for, where it says nothing else; its subject counts where nothing is written below it."""
    message = reading.message
    if message.kind is not Kind.HUMAN or message.is_forward or len(reading.wording) > _LONGEST:
        return None
    idle = GREETINGS | COURTESY | names_of(message)
    said = [[word.text for word in words_of(text) if word.text not in idle] for text in _texts(reading)]
    asked = next((words for words in said if words), [])
    for kind in Asking:
        wanted = (phrase(each) for each in getattr(config.service.questions, kind))
        if any([word for word in each if word not in idle] == asked for each in wanted if asked):
            led = tuple(team for team in config.service.teams if lead_of(team, config) == reading.sender)
            return Question(kind, led)
    return None


def _texts(reading: Reading) -> tuple[str, str]:
    return reading.wording, reading.subject
