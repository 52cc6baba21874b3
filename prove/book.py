"""What ought to become of a conversation, worked out without the gateway: the model of F10.

It knows the promises (docs/email.md E120, E128, E151, E153, E158, E187) and what was written by whom and when; it reads
nothing of the store and calls nothing of mailgate.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

OPEN = frozenset({"new", "open", "waiting"})
REOPENED_FOR, NOT_REOPENED_AFTER = timedelta(days=13), timedelta(days=25)  # ten working days lie between
RESENT_WITHIN = ORDERED_WITHIN = timedelta(days=7)
OPERATOR = ""
THIRD_PARTY, REQUESTER = "third party", "requester"
TURNS: Mapping[str, Mapping[str, str]] = {
    "done": dict.fromkeys(OPEN, "done"),
    "cancel": dict.fromkeys(OPEN, "cancelled"),
    "take": {"new": "open", "open": "open", "waiting": "waiting"},
    "waiting": dict.fromkeys(OPEN, "waiting"),
    "ask": dict.fromkeys(OPEN, "waiting"),
    "reopen": {"done": "open", "cancelled": "open"},
}
"""What an order makes of each status it may be given in."""
WAITS_FOR = {"waiting": THIRD_PARTY, "ask": REQUESTER}


@dataclass(frozen=True)
class Ordered:
    """An order that ran: who gave it, when, by answering which mail, and what it replaced."""

    do: str
    by: str
    at: datetime
    answering: str
    before: Mapping[str, str | None]


@dataclass(eq=False)
class Case:
    """A ticket as it ought to be. *mails* are the keys of what belongs to its own trail."""

    requester: str
    mails: list[str]
    status: str = "new"
    waiting_for: str | None = None
    assignee: str | None = None
    closed_at: datetime | None = None
    part_of: "Case | None" = None
    linked_to: "Case | None" = None
    orders: list[Ordered] = field(default_factory=list)

    @property
    def whole(self) -> "Case":
        return self.part_of.whole if self.part_of else self

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def becomes(self, status: str, now: datetime, waiting_for: str | None = None) -> None:
        if status not in OPEN and self.is_open:
            self.closed_at = now
        self.status, self.waiting_for = status, waiting_for if status == "waiting" else None


@dataclass(frozen=True)
class Ours:
    """A mail of ours as its reader got it."""

    message_id: str
    recipient: str
    case: Case
    sent_at: datetime


@dataclass(frozen=True)
class Letter:
    """What somebody writes: an *order*, an answer, or a request. *words* are the same in what is sent again."""

    key: str
    message_id: str
    sender: str
    words: str
    written_at: datetime
    answers: Ours | None = None
    order: str = ""


@dataclass
class Book:
    """All cases, by the letters that were decided so far."""

    cases: list[Case] = field(default_factory=list)
    _read: list[tuple[Letter, datetime, Case]] = field(default_factory=list)

    def decided(self, letter: Letter, arrived_at: datetime, now: datetime) -> None:
        """*letter*, which arrived then, is decided now, after all that was told before."""
        case = self._case_of(letter, now)
        if case is None:
            linked = letter.answers.case.whole if letter.answers else None
            case = Case(letter.sender, [letter.key], linked_to=linked)
            self.cases.append(case)
        else:
            case.mails.append(letter.key)
        self._read.append((letter, arrived_at, case))

    def _case_of(self, letter: Letter, now: datetime) -> Case | None:
        """The case that *letter* belongs to, with what it does there; None for one of its own."""
        for known, _, case in self._read:
            if (known.message_id, known.words, known.written_at) == (
                letter.message_id,
                letter.words,
                letter.written_at,
            ):
                return case
        if letter.answers is None:
            return self._resent(letter, now)
        if letter.order:
            self._ordered(letter.answers.case, letter, letter.answers, now)
            return letter.answers.case
        return self._answered(letter.answers.case, letter.sender, now)

    def _resent(self, letter: Letter, now: datetime) -> Case | None:
        for known, arrived_at, case in reversed(self._read):
            is_same = (known.sender, known.words, known.answers) == (letter.sender, letter.words, None)
            if is_same and arrived_at > now - RESENT_WITHIN:
                return case if case.whole.is_open else None
        return None

    def _answered(self, case: Case, sender: str, now: datetime) -> Case | None:
        whole = case.whole
        if whole.closed_at and not whole.is_open and whole.closed_at < now - NOT_REOPENED_AFTER:
            return None
        for each in {id(whole): whole, id(case): case}.values():
            ends = THIRD_PARTY if each.waiting_for == THIRD_PARTY and sender != each.requester else REQUESTER
            if each.status != "new" and (each.status != "waiting" or each.waiting_for == ends):
                each.becomes("open", now)
        return case

    def _ordered(self, case: Case, letter: Letter, answers: Ours, now: datetime) -> None:
        last = case.orders[-1] if case.orders else None
        ran = {(each.do, each.answering) for each in case.orders}
        by_another = last is not None and last.by != letter.sender and last.at > answers.sent_at
        is_stale = now - letter.written_at > ORDERED_WITHIN
        if case.part_of or is_stale or (letter.order, answers.message_id) in ran or by_another:
            return
        if letter.order != "undo":
            self._does(case, letter.order, letter.sender, now, answers.message_id)
        elif last is not None and last.by == letter.sender and last.do != "undo" and last.before:
            self._undoes(case, last, letter, answers, now)

    def _undoes(self, case: Case, last: Ordered, letter: Letter, answers: Ours, now: datetime) -> None:
        was = last.before
        case.becomes(was.get("status") or case.status, now, was.get("waiting_for") or case.waiting_for)
        if "assignee" in was:
            case.assignee = was["assignee"]
        case.orders.append(Ordered("undo", letter.sender, now, answers.message_id, {}))

    def _does(self, case: Case, do: str, by: str, now: datetime, answering: str = "") -> bool:
        """Whether *do* could be done."""
        status = TURNS[do].get(case.status)
        if status is None or case.part_of:
            return False
        before: dict[str, str | None] = {}
        if case.status == "waiting":
            before["waiting_for"] = case.waiting_for
        if status != case.status:
            before["status"] = case.status
        if do == "take" and case.assignee != by:
            before["assignee"], case.assignee = case.assignee, by
        case.becomes(status, now, WAITS_FOR.get(do, case.waiting_for))
        case.orders.append(Ordered(do, by, now, answering, before))
        return True

    # ------------------------------------------------------------ at the command line

    def given(self, case: Case, do: str, now: datetime, to: Case | None = None) -> bool:
        """Whether an operator's order about *case* runs."""
        if do == "separate":
            if case.part_of is None:
                return False
            case.part_of = None
        elif do == "duplicate":
            whole = to.whole if to else case
            if case.part_of or whole is case or not (case.is_open and whole.is_open):
                return False
            case.part_of = whole
        else:
            return self._does(case, do, OPERATOR, now)
        case.orders.append(Ordered(do, OPERATOR, now, "", {}))
        return True

    def is_in_between(self, case: Case, now: datetime) -> bool:
        """Whether nobody can tell without a calendar if an answer reopens *case*."""
        closed = case.whole.closed_at if not case.whole.is_open else None
        return closed is not None and REOPENED_FOR < now - closed < NOT_REOPENED_AFTER

    def parts(self) -> Iterator[Case]:
        return (case for case in self.cases if case.part_of)
