"""Commands by mail: what an agent's answer orders (E111), and whether it may (E186).

Doubt never runs anything (E3): a question, a negation, two orders at once or an order without
what it needs is a note, or is asked about.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from mailgate.model.config import Config
from mailgate.model.decision import Order
from mailgate.model.facts import Evidence, Facts
from mailgate.model.message import Kind
from mailgate.model.people import Person
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import Ticket
from mailgate.tickets.levelling import may_set
from mailgate.tickets.orders import LEVEL, Ambiguous, Around, Said, complete, level
from mailgate.tickets.phrases import Place, Word, phrase, places, without_sign_off, words_of
from mailgate.tickets.thread import RANK_OUR_ID, is_staff_of, is_verified

_LONGEST_SENTENCE = 160  # characters
DUPLICATE = "duplicate"
MERGING = frozenset({DUPLICATE, "accept", "add"})
"""The orders that make a ticket part of the one that they name."""
SEVERAL = "deadlines"  # the message that lists what is late
_FRESH = timedelta(days=7)
_CLOCKS_DIFFER = timedelta(days=1)

DIGEST = "digest"
"""What evidence says that a button of a summary answers."""
MANAGERS_ORDERS = frozenset({"assign", "extend", "ask"})
"""What a manager outside the ticket's team may order, by the buttons of a summary."""

_OF_BUTTONS = frozenset({"accept", "add", "separate", "discard", "undo"})
"""The orders whose marks need no configuration: a button of ours that nobody reads would be no use."""

_OPENING = frozenset({"done", "take", "undo", "cancel", "back", "approve"})
_BY_ITS_MARK = "more"  # each of its marks is a command of its own: "#due Friday" orders "due"
_GREETING = re.compile(
    r"\A(?i:dear|hi|hello|hey|(?:good )?(?:morning|afternoon|evening))\b[^\n,!.:–-]{0,40}[\n,!.:–-]\s*"
)
_END = re.compile(r"[.!?](?=\s|$)|\n|\s[-–—]\s")
_GOES_ON = re.compile(r"\s*(?:$|[,;:.!()–—\n]|-\s|\s-)")

_SUBJECTS = frozenset({"this", "that", "it", "these", "that's", "it's"})
_VERBS = frozenset({"is", "has", "have", "are", "been", "now"})
_BETWEEN = _SUBJECTS | _VERBS | {"one", "just"}
_FOLLOWS = frozenset({"and", "thanks", "thank", "please", "now"})
_HOLDS_BACK = frozenset({"but", "except", "apart", "not", "nearly", "almost", "if", "when", "once", "unless", "by"})
_UNSAYS = frozenset(
    {"not", "no", "never", "nor", "without", "was", "were", "had", "if", "unless", "when", "once", "after"}
)
_ONESELF = frozenset({"i", "i'm", "i'll", "am", "will", "be", "now", "just", "note", "that", "please"})
_ASKS = frozenset({"can", "could", "would", "will"})


def read_order(
    reading: Reading,
    ticket: Ticket,
    config: Config,
    dates: Callable[[str], date | None],
    people: Sequence[Person] = (),
) -> tuple[Order | Ambiguous | None, Trace]:
    """The order in the mail's new text, by the configured words; None where there is none (E111).

    *dates* finds the first date that a text means, told from the day of the mail; *people* are
    those whom a ticket may be passed to.
    """
    if _unfit(reading):
        return None, ()
    said = _said(reading, config)
    if not said:
        return None, ()
    words = " and ".join(f'"{each.words}"' for each in said)
    if len(said) > 1:
        return Ambiguous(f"it says {words}, which are two commands"), (
            Match("command", "two commands", words, "text", "nothing runs"),
        )
    order = complete(said[0], Around(ticket, config, dates, people))
    effect = order.why if isinstance(order, Ambiguous) else f"orders {order.do}"
    return order, (Match("command", said[0].do, words, "text", effect),)


def read_level(
    reading: Reading, config: Config, dates: Callable[[str], date | None]
) -> tuple[Order | Ambiguous | None, Trace]:
    """The capacity level that the mail sets; None where it sets none. *dates* as for ``read_order``."""
    said = () if _unfit(reading) else _said(reading, config)
    ours = next((each for each in said if each.do == LEVEL), None)
    if ours is None:
        return None, ()
    order = level(ours, config, dates) if len(said) == 1 else Ambiguous("it says two commands")
    effect = order.why if isinstance(order, Ambiguous) else f"orders {order.do}"
    return order, (Match("command", LEVEL, f'"{ours.words}"', "text", effect),)


def manages(evidence: Evidence, config: Config, facts: Facts) -> bool:
    """Whether the sender answers by a button of the summary that was written for them, and still gets such summaries.

    Its token is signed for the reader alone, so that nobody else's press counts.
    """
    has_role = facts.sender is not None and facts.sender.role.casefold() in config.service.digests.roles
    return evidence.answers == DIGEST and has_role


def gives_orders(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> bool:
    """Whether the sender is one whose orders about *ticket* are read: its team, its lead, whoever gave the last one.

    The last for ``undo`` alone: who moved a ticket to another team can still take that back.
    """
    ran = facts.ordered.get(ticket.id, ())
    return is_staff_of(ticket, reading, config, facts) or (bool(ran) and ran[-1].by == reading.sender)


def may_command(
    reading: Reading, ticket: Ticket, evidence: Evidence | None, config: Config, facts: Facts, do: str = ""
) -> str:
    """ "" when the sender may give this ticket the order *do* by this mail, or else why not (E186)."""
    if unfit := _unfit(reading):
        return unfit
    if not is_verified(reading):
        return "its sender is not verified"
    if "duplicate-header" in reading.message.defects:
        return "it has a header twice"
    if do == LEVEL and not may_set(reading, config, facts):
        return "its sender is not one of those who set capacity levels"
    by_button = do in MANAGERS_ORDERS and evidence is not None and manages(evidence, config, facts)
    by_right = gives_orders if do == "undo" else is_staff_of
    if do != LEVEL and not by_button and not by_right(ticket, reading, config, facts):
        return "its sender is neither in the ticket's team nor its lead"
    if evidence is None or evidence.rank > RANK_OUR_ID or evidence.ticket.ref != ticket.ref:
        return "it does not answer a mail of ours about this ticket"
    if evidence.answers == SEVERAL:
        return "it answers a mail about several requests: answer the one about this request"
    if evidence.mailed_to.lower() not in ("", reading.sender):
        return "it answers a mail that went to somebody else"
    if _is_signed_long_ago(reading, evidence, facts):
        return "the mail that it answers was signed by a key that is no longer in use: answer a newer one"
    sent = reading.message.date
    if sent is None or not -_CLOCKS_DIFFER <= facts.now - sent <= _FRESH:
        return "it was not written within the last 7 days"
    return ""


def _is_signed_long_ago(reading: Reading, evidence: Evidence, facts: Facts) -> bool:
    """Whether a key that was replaced too long ago signed what the mail answers (E225).

    Its Message-ID may be stored as well, but whoever has the key could have made that up, too.
    """
    answered = (
        token for token in reading.tokens if (token.ref, token.serial) == (evidence.ticket.ref, evidence.serial)
    )
    return any(token.mac[:1] in facts.outlived_keys for token in answered)


def may_concern(order: Order, ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> str:
    """ "" when *order* names no ticket but such as its sender works on, or else why it may not run (E158).

    Nobody learns by it whether there is a ticket of some reference.
    """
    if order.do not in MERGING or not order.to or order.to == ticket.ref:
        return ""
    other = facts.named.get(order.to or "")
    is_theirs = other is not None and is_staff_of(other, reading, config, facts)
    return "" if is_theirs else "there is no such ticket in the sender's team"


def answers_requester(
    ticket: Ticket, reading: Reading, evidence: Evidence | None, config: Config, facts: Facts
) -> bool:
    """Whether the mail is the team's answer to the requester: text that is no order, from one who may give some."""
    is_own = reading.sender == ticket.requester or not reading.message.reply_text.strip()
    return not is_own and not may_command(reading, ticket, evidence, config, facts)


def may_repeat(order: Order, ticket: Ticket, evidence: Evidence, reading: Reading, facts: Facts) -> str:
    """ "" when *order* may run after those that ran already, or else why not (E187)."""
    ran = facts.ordered.get(ticket.id, ())
    same = (each for each in ran if (each.do, each.details, each.serial) == (order.do, order.details, evidence.serial))
    if evidence.serial and next(same, None) is not None:
        return "this order ran already: answer this mail in the same way if you want it again"
    if evidence.sent_at is None or not ran or ran[-1].by == reading.sender or ran[-1].at <= evidence.sent_at:
        return ""
    return f'somebody else ordered "{ran[-1].do}" meanwhile: answer this mail in the same way if you still want it'


def _unfit(reading: Reading) -> str:
    """Why nobody's commands are read from such a mail (E111), or ""."""
    message = reading.message
    if message.kind is not Kind.HUMAN:
        return "it was not written by a person"
    if message.is_forward:
        return "it is a forward"
    if message.confidence not in ("high", "medium") or message.layer == "interleaved":
        return "it is not clear which words in it are new"
    return ""


def _said(reading: Reading, config: Config) -> tuple[Said, ...]:
    """Each command once: where it was written first."""
    text = without_sign_off(_GREETING.sub("", reading.wording.strip()), reading.message)
    found: dict[str, Said] = {}
    for said in (*_marked(text, config), *_spoken(text, config)):
        found.setdefault(said.do, said)
    return tuple(found.values())


def _marked(text: str, config: Config) -> Iterator[Said]:
    """ "#done" and its like, where they open a line."""
    marks = {f"#{do}": do for do in _OF_BUTTONS}
    marks |= {word: do for do, words in _of_tickets(config) for word in words if word.startswith("#")}
    for line in re.finditer(r"(?m)^[ \t]*(#[\w-]{1,30})(?![\w?-])(?P<after>.*)$", text):
        mark = line[1].lower()
        do = mark[1:] if marks.get(mark) == _BY_ITS_MARK else marks.get(mark)
        if do is not None:
            yield Said(do, line[1], "", line["after"], text[line.end() :].strip())


def _spoken(text: str, config: Config) -> Iterator[Said]:
    """The other phrases, in the first sentence."""
    if text.startswith(("#", ">", "|")):
        return  # a mark is read by its line; a quotation that was not cut off says nothing
    end = _END.search(text, 0, _LONGEST_SENTENCE)
    stop = end.start() if end else _LONGEST_SENTENCE
    sentence, rest = text[:stop], text[end.end() if end else stop :].strip()
    asked = end is not None and end[0] == "?"
    words = words_of(sentence)
    for do, wanted in _of_tickets(config):
        for each in sorted((each for each in wanted if not each.startswith("#")), key=len, reverse=True):
            place = _place(do, phrase(each), words, sentence, asked=asked)
            if place is not None:
                start, close = words[place.first].start, words[place.last - 1].end
                yield Said(do, sentence[start:close], sentence[:start], sentence[close:], rest)
                break


def _of_tickets(config: Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    return iter(config.service.orders.items())


def _place(do: str, wanted: tuple[str, ...], words: tuple[Word, ...], sentence: str, *, asked: bool) -> Place | None:
    fits = _opens if do in _OPENING else _is_of_oneself if do == "away" else _is_meant
    if asked and (do in _OPENING or wanted[0] not in _ASKS):
        return None  # "Done?" asks; "Can you pass to Priya?" orders politely
    return next((place for place in places(wanted, words) if fits(place, words, sentence)), None)


def _opens(place: Place, words: tuple[Word, ...], sentence: str) -> bool:
    """Whether the phrase opens the sentence, and its end, punctuation, "and" or a courtesy follows."""
    before = [word.text for word in words[: place.first]]
    if before and (before[0] not in _SUBJECTS or not _VERBS.issuperset(before[1:])):
        return False  # "This has been done" says so, "Has this been done" asks
    following = words[place.last].text if place.last < len(words) else ""
    if following in _HOLDS_BACK or not _BETWEEN.issuperset(place.skipped):
        return False
    return following in _FOLLOWS or _GOES_ON.match(sentence, words[place.last - 1].end) is not None


def _is_of_oneself(place: Place, words: tuple[Word, ...], sentence: str) -> bool:
    """Whether nobody else is named before it: "Sam is on leave from today" says nothing of who writes it."""
    before = {word.text for word in words[: place.first]}
    return before <= _ONESELF and _is_meant(place, words, sentence)


def _is_meant(place: Place, words: tuple[Word, ...], sentence: str) -> bool:
    """Whether none of the three words before it in its clause takes the phrase back."""
    clause_starts = max(sentence.rfind(mark, 0, words[place.first].start) for mark in ",;:(")
    before = [word.text for word in words[: place.first] if word.start > clause_starts][-3:]
    return not any(_unsays(word) for word in (*before, *place.skipped))


def _unsays(word: str) -> bool:
    return word in _UNSAYS or word.endswith("n't")
