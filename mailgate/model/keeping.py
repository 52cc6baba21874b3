"""How long records are kept, by their kind and, for those of tickets, by mailbox (docs/domain.md section 11)."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from mailgate.model.base import Model
from mailgate.model.spans import Span, Unit

LONGEST_YEARS = 100
SHORTEST_KNOWN = timedelta(days=14)
"""For so long a mail that is handed over once more has to be known (docs/email.md E13)."""

_MONTHS = {Unit.MONTHS: 1, Unit.YEARS: 12}
_DAYS = {Unit.DAYS: 1, Unit.WEEKS: 7}
_ANY_DAY = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """A length of time by the calendar, as it is written: "6 years", and in its kinds what follows that."""

    span: Span
    TAIL: ClassVar[str] = ""
    EXAMPLE: ClassVar[str] = "30 days"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what stands in the configuration; ValueError says what was expected."""
        words = " ".join(text.lower().split())
        wrong = f'expected a length of time in days, weeks, months or years, such as "{cls.EXAMPLE}"'
        if not words.endswith(cls.TAIL):
            raise ValueError(wrong)
        try:
            span = Span.parse(words.removesuffix(cls.TAIL))
        except ValueError:
            raise ValueError(wrong) from None
        if span.unit not in (*_MONTHS, *_DAYS) or span.count < 1:
            raise ValueError(wrong)
        if span.count * (_DAYS.get(span.unit, 0) + 30 * _MONTHS.get(span.unit, 0)) > 366 * LONGEST_YEARS:
            raise ValueError(f"nothing is kept for more than {LONGEST_YEARS} years")
        return cls(span)

    def __str__(self) -> str:
        return f"{self.span}{self.TAIL}"

    def before(self, now: datetime) -> datetime:
        """What ended at this instant or before it is kept no longer. Of a month that is too short: its last day."""
        if self.span.unit in _DAYS:
            return now - timedelta(days=self.span.count * _DAYS[self.span.unit])
        year, month = divmod(now.year * 12 + now.month - 1 - self.span.count * _MONTHS[self.span.unit], 12)
        return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))

    def is_shorter_than(self, other: "Period") -> bool:
        return self.before(_ANY_DAY) > other.before(_ANY_DAY)


class AfterClosing(Period):
    TAIL = " after the ticket is closed"
    EXAMPLE = "90 days after the ticket is closed"


class ThenNumbers(Period):
    TAIL = " after the ticket is closed, then numbers only"
    EXAMPLE = "2 years after the ticket is closed, then numbers only"


def _parsed(kind: type[Period]) -> BeforeValidator:
    return BeforeValidator(lambda value: kind.parse(value) if isinstance(value, str) else value)


_Words = PlainSerializer(str)
_Mail = Annotated[AfterClosing, _parsed(AfterClosing), _Words]
_Tickets = Annotated[ThenNumbers, _parsed(ThenNumbers), _Words]
_Trail = Annotated[Period, _parsed(Period), _Words]


class Periods(Model):
    """How long the records of a ticket are kept, each from its closing on: the later, the less it says."""

    mail_and_attachments: _Mail = AfterClosing(Span(90, Unit.DAYS))
    tickets: _Tickets = ThenNumbers(Span(2, Unit.YEARS))
    audit_trail: _Trail = Period(Span(6, Unit.YEARS))

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        if self.tickets.is_shorter_than(self.mail_and_attachments):
            raise ValueError('"tickets" is shorter than "mail_and_attachments": no mail is kept longer than its ticket')
        if self.audit_trail.is_shorter_than(self.tickets):
            raise ValueError('"audit_trail" is shorter than "tickets": what happened is kept as long as its ticket')
        return self


class OfMailbox(Model):
    """What is kept for another time for the tickets of one mailbox."""

    mail_and_attachments: _Mail | None = None
    tickets: _Tickets | None = None
    audit_trail: _Trail | None = None


class Keep(Periods):
    """How long everything is kept. *ignored_mail*: mail that belongs to no ticket, and what we sent about none.

    *fingerprints*: what tells that a mail was here before, once its words are gone.
    """

    ignored_mail: _Trail = Period(Span(30, Unit.DAYS))
    quarantine: _Trail = Period(Span(30, Unit.DAYS))
    fingerprints: _Trail = Period(Span(1, Unit.YEARS))
    mailboxes: Mapping[str, OfMailbox] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _know_what_comes_again(self) -> Self:
        for name in ("quarantine", "fingerprints"):
            if getattr(self, name).before(_ANY_DAY) > _ANY_DAY - SHORTEST_KNOWN:
                raise ValueError(f'"{name}" is under 14 days: a mail that is handed over once more would be done twice')
        for mailbox in self.mailboxes:
            self.of(mailbox)
        return self

    def of(self, mailbox: str) -> Periods:
        """How long the records of the tickets of *mailbox* are kept."""
        own: dict[str, Any] = {name: getattr(self, name) for name in Periods.model_fields}
        found = self.mailboxes.get(mailbox)
        given = {name: value for name in own if (value := getattr(found, name, None)) is not None}
        return Periods(**own | given)
