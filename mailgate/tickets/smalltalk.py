"""Mails that ask for nothing new: chasers, which the gateway answers itself, and thanks."""

import re
from collections.abc import Iterator
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.decision import Intent
from mailgate.model.facts import Facts
from mailgate.model.message import Attachment
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import Ticket
from mailgate.tickets.phrases import (
    COURTESY,
    GREETINGS,
    Known,
    Word,
    any_stands_in,
    first_of,
    known_phrases,
    names_of,
    phrase,
    places,
    stands_in,
    texts_of,
    words_of,
)
from mailgate.tickets.thread import admits, is_colleague, is_verified

_LONGEST = 1000  # characters; longer mails are not looked at
_LONGEST_CHASER = 45  # words of one's own; past that a mail has more to say
_LONGEST_THANKS = 20
_IDLE = GREETINGS | COURTESY
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_NAME_AFTER = re.compile(r" {1,3}[A-Z][\w'’-]{1,30}\b")


def intent(reading: Reading, config: Config) -> tuple[Intent | None, Trace]:
    """Whether the mail only chases or only thanks, by the configured words in what was newly written.

    A mail with a file, a forward, and one that also asks for something is neither. Thanks
    are thanks only in an answer: under a subject of its own "Thanks" closes a request.
    """
    if len(reading.wording) > _LONGEST or reading.message.is_forward:
        return None, ()
    if any(map(_is_content, reading.message.attachments)):
        return None, ()
    words = texts_of(reading.wording)
    kinds = [(Intent.CHASER, _chasers(config), _only_chases)]
    if _answers(reading):
        kinds.append((Intent.THANKS, _thanks(config), _only_thanks))
    for kind, wanted, fits in kinds:
        said = first_of(wanted, words)
        if said is not None and fits(reading, config):
            return kind, (Match("small talk", kind, said, where="text", effect="asks for nothing new"),)
    return None, ()


def chased_ticket(reading: Reading, config: Config, facts: Facts) -> tuple[Ticket | None, Trace]:
    """The open ticket that a chaser without thread evidence is about: of the same case, and
    the sender's own or, from a colleague, the only one. None: it is a new mail.

    Of several of the sender's own the one whose task the mail names, then the latest.
    """
    if not is_verified(reading):
        return None, ()
    keys = set(reading.keys)
    of_case = [
        ticket
        for ticket in facts.same_case
        if ticket.is_open and keys & set(ticket.keys) and admits(ticket, reading, config, facts)
    ]
    own = [ticket for ticket in of_case if ticket.requester == reading.sender]
    if own:
        said = texts_of(f"{reading.subject}\n{reading.wording}")
        chased = max(own, key=lambda ticket: (_names_task(said, ticket.task, config), ticket.received_at))
    elif len(of_case) == 1 and is_colleague(reading, config):
        chased = of_case[0]
    else:
        return None, ()
    whose = "its sender's" if own else "the only"
    return chased, (Match("small talk", "chased", ", ".join(reading.keys), effect=f"{whose} open ticket {chased.ref}"),)


def _only_chases(reading: Reading, config: Config) -> bool:
    """Short, and no sentence but the chasing ones names a task with facts of its own."""
    words = [word for word in texts_of(reading.wording) if word not in _IDLE]
    if len(words) > _LONGEST_CHASER:
        return False
    others = " ".join(_sentences_without(_chasers(config), reading.wording))
    said = texts_of(others)
    return not (any_stands_in(_task_phrases(config), said) and _states_facts(others, reading, config))


def _only_thanks(reading: Reading, config: Config) -> bool:
    """Nothing but thanks, courtesy and names: one word more may be "but it is wrong"."""
    text = reading.wording
    words = words_of(text)
    if len(words) > _LONGEST_THANKS or "?" in text:
        return False
    idle = (_IDLE | names_of(reading.message)) - {"please"}
    known = {
        number
        for each in config.service.small_talk.thanks
        for place in places(phrase(each), words)
        if not place.skipped
        for number in range(place.first, place.last)
    }
    known |= set(_thanked(text, words, known))
    return all(number in known or word.text in idle for number, word in enumerate(words))


def _answers(reading: Reading) -> bool:
    message = reading.message
    return bool(message.in_reply_to or message.references or reading.tokens or reading.refs)


def _thanked(text: str, words: tuple[Word, ...], thanks: set[int]) -> Iterator[int]:
    """The name that follows the thanks: "Thanks Callum"."""
    for number in thanks:
        if number + 1 < len(words) and number + 1 not in thanks and _NAME_AFTER.match(text, words[number].end):
            yield number + 1


def _states_facts(text: str, reading: Reading, config: Config) -> bool:
    """Whether *text* brings its own case, or the mail any other fact."""
    squashed = "".join(char for char in text.upper() if char.isalnum())
    return any(key in squashed for key in reading.keys) or bool(reading.fields.keys() - {config.key_name})


def _sentences_without(chasers: Known, text: str) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        if not any_stands_in(chasers, texts_of(sentence)):
            yield sentence


def _names_task(words: tuple[str, ...], path: str | None, config: Config) -> bool:
    if path is None or path.partition(".")[0] not in config.service.categories:
        return False
    task = config.task(path)[1]
    return any(stands_in(each, words) for each in (task.label or path.partition(".")[2], *task.recognise))


@lru_cache(maxsize=8)
def _task_phrases(config: Config) -> Known:
    tasks = (task for category in config.service.categories.values() for task in category.tasks.values())
    return known_phrases(each for task in tasks for each in task.recognise)


@lru_cache(maxsize=8)
def _chasers(config: Config) -> Known:
    return known_phrases(config.service.small_talk.chasers)


@lru_cache(maxsize=8)
def _thanks(config: Config) -> Known:
    return known_phrases(config.service.small_talk.thanks)


def _is_content(file: Attachment) -> bool:
    """Not so inline files, nor images, which are most often a signature's."""
    return not file.inline and not file.content_type.startswith("image/")
