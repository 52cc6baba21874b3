"""Mails that ask for a list: an agent's own work, the team's, what a requester still waits for, what words find.

They need who asks and nothing else: they change nothing, and are answered to that very address.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.facts import Facts, Listed, Listing
from mailgate.model.message import Kind
from mailgate.model.reading import Asking, Question, Reading
from mailgate.tickets import managers, reference
from mailgate.tickets.phrases import COURTESY, GREETINGS, names_of, phrase, texts_of, without_sign_off
from mailgate.tickets.thread import admits, is_staff_of, lead_of

MOST_SHOWN = 20  # with their buttons they stay below the 100 KB of E200
_LONGEST = 200  # characters
_IDLE = GREETINGS | COURTESY
_NEVER = r"(?!)"


def question(reading: Reading, config: Config) -> Question | None:
    """What the mail asks for, where it says nothing else; its subject counts where nothing is written below it."""
    message = reading.message
    if message.kind is not Kind.HUMAN or message.is_forward or len(reading.wording) > _LONGEST:
        return None
    if sought := _sought(reading, config):
        refs = reference.find(sought, config.service.reference)
        key = "".join(sought.split()).upper() if config.key_name else ""  # as rules write it: capitals, no spaces
        return Question(Asking.FIND, _led_by(reading, config), sought, tuple(refs), key, config.service.digests.roles)
    known = _known(config)
    idle = _IDLE | names_of(message).difference(*known)
    said = (tuple(word for word in texts_of(text) if word not in idle) for text in (reading.wording, reading.subject))
    kind = known.get(next((words for words in said if words), ()))
    return Question(kind, _led_by(reading, config)) if kind is not None else None


def may_see(found: Listing, reading: Reading, config: Config, facts: Facts) -> Listing:
    """Of what words *found* that which the sender may know: what their team, or their summaries, are about, and what
    they asked for themselves; of a ticket with ``show_to`` as ``thread.admits`` says."""
    manager = managers.reader(facts.sender, config) if facts.sender else None
    seen: list[Listed] = []
    for each in found.tickets:
        ticket = each.ticket
        is_own = is_staff_of(ticket, reading, config, facts) or ticket.assignee == reading.sender
        is_managed = manager is not None and (manager.everything or ticket.team in manager.teams)
        knows = is_own or is_managed or ticket.requester == reading.sender
        if knows and admits(ticket, reading, config, facts):
            seen.append(replace(each, is_own=is_own, serial=each.serial if is_own and ticket.is_open else 0))
    return Listing(tuple(seen[:MOST_SHOWN]), max(0, len(seen) - MOST_SHOWN))


def _led_by(reading: Reading, config: Config) -> tuple[str, ...]:
    """The teams whose lead the sender is."""
    return tuple(team for team in config.service.teams if lead_of(team, config) == reading.sender)


def _sought(reading: Reading, config: Config) -> str:
    """What is to be found: "find A12345" and nothing else, no file, no second line. "" where that is not asked."""
    search = _search(config)
    if not any(search.match(text.lstrip()) for text in (reading.wording, reading.subject)):
        return ""  # of nearly every mail
    if any(not file.inline for file in reading.message.attachments):
        return ""
    wording = without_sign_off(reading.wording, reading.message).strip()
    found = search.fullmatch(wording or reading.subject.strip())
    return found[1].strip() if found else ""


@lru_cache(maxsize=8)
def _search(config: Config) -> re.Pattern[str]:
    phrases = "|".join(map(re.escape, config.service.questions.find))
    return re.compile(rf"(?i)(?:{phrases}):?[ \t]+(\S[^\n]*)" if phrases else _NEVER)


@lru_cache(maxsize=8)
def _known(config: Config) -> Mapping[tuple[str, ...], Asking]:
    """What each of the configured questions asks for, by the words that count in it."""
    return {
        words: kind
        for kind in reversed(Asking)
        if kind is not Asking.FIND
        for each in getattr(config.service.questions, kind)
        if (words := tuple(word for word in phrase(each) if word not in _IDLE))
    }
