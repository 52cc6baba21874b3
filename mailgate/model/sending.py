"""What is sent to whom: messages, who may see what, alerts, summaries."""

import re
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from mailgate.model.base import Model
from mailgate.model.kinds import Allowance, Words, listed
from mailgate.model.outbound import Way
from mailgate.model.spans import Span, clock, spoken


def _time_of_day(value: Any) -> Any:
    return clock(value) if isinstance(value, str) else value


TEAM_LEAD = "team lead"


class Language(StrEnum):
    """A language in which we write, by its tag."""

    ENGLISH = "en-GB"
    WELSH = "cy"


class Audience(StrEnum):
    """Who reads a mail of ours: the team that owns its ticket, others of our domains, partners, everybody else."""

    TEAM = "team"
    COLLEAGUES = "colleagues"
    PARTNERS = "partners"
    PUBLIC = "public"


class Digest(Model):
    """A summary by mail: *at* which time on working days, or *on* that day of the week alone, and who gets it."""

    at: Annotated[time, BeforeValidator(_time_of_day), PlainSerializer(spoken)]
    on: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] | None = None
    to: Words


class Digests(Model):
    """What managers hear regularly; *waiting_too_long*: when a wait is listed."""

    daily: Digest | None = None
    weekly: Digest | None = None
    waiting_too_long: Allowance = Span.parse("5 working days")

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the directory that get any of them, in small letters."""
        return frozenset(who.casefold() for each in (self.daily, self.weekly) if each for who in each.to) - {TEAM_LEAD}


class Messages(Model):
    """The template of each message we send; *quiet_for*: priorities without a "received" mail."""

    received: str = "templates/received.md"
    more_needed: str = "templates/more-needed.md"
    on_hold: str = "templates/on-hold.md"
    done: str = "templates/done.md"
    cancelled: str = "templates/cancelled.md"
    reopened: str = "templates/reopened.md"
    follow_up: str = "templates/follow-up-noted.md"
    duplicate: str = "templates/duplicate.md"
    status: str = "templates/status.md"
    paused: str = "templates/paused.md"
    declined: str = "templates/declined.md"
    commission: str = "templates/commission.md"
    commission_reminder: str = "templates/commission-reminder.md"
    commission_changed: str = "templates/commission-changed.md"
    return_taken: str = "templates/return-taken.md"
    compiled: str = "templates/compiled.md"
    commission_return: str = "templates/commission-return.md"
    unreadable: str = "templates/unreadable.md"
    unreachable: str = "templates/unreachable.md"
    alert: str = "templates/alert.md"
    gathered: str = "templates/gathered.md"
    open_requests: str = "templates/open-requests.md"
    at_risk: str = "templates/at-risk.md"
    breached: str = "templates/breached.md"
    deadlines: str = "templates/deadlines.md"
    question: str = "templates/question.md"
    daily: str = "templates/daily.md"
    weekly: str = "templates/weekly.md"
    quiet_for: Words = ()


Readers = Annotated[tuple[Audience, ...], BeforeValidator(listed)]


class MaySee(Model):
    """Who may see what a mail can say about a case; whoever is not named does not see it."""

    task: Readers = (Audience.TEAM, Audience.COLLEAGUES)
    key: Readers = (Audience.TEAM, Audience.COLLEAGUES)
    key_in_subject: Readers = (Audience.TEAM,)


class Privacy(Model):
    """*partners*: domains of outside bodies we work with; *neutral*: what a mail calls a task, by "category.task"."""

    partners: Words = ()
    may_see: MaySee = MaySee()
    marking_in_subject: bool = False
    neutral: Mapping[str, str] = Field(default_factory=dict)


def _template_id(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        raise ValueError("expected the id of a template in GOV.UK Notify, a UUID")
    return text


def _telephone(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9 ]{7,20}", text):
        raise ValueError('expected a telephone number such as "07700 900123"')
    return text.replace(" ", "")


TemplateId = Annotated[str, AfterValidator(_template_id)]
Telephone = Annotated[str, AfterValidator(_telephone)]
Ways = Annotated[tuple[Way, ...], BeforeValidator(listed)]


class AlertTemplates(Model):
    """The ids that the texts of docs/notify.md section 10 have in GOV.UK Notify; without its id none is sent."""

    received: TemplateId | None = None
    more_needed: TemplateId | None = None
    late: TemplateId | None = None
    done: TemplateId | None = None
    duplicate: TemplateId | None = None
    at_risk: TemplateId | None = None
    breached: TemplateId | None = None
    digest: TemplateId | None = None
    at_risk_text: TemplateId | None = None
    breached_text: TemplateId | None = None

    @property
    def known(self) -> Mapping[str, str]:
        """Those that have an id."""
        return {name: value for name, value in self if value}


class Tell(Model):
    """Which message goes how: by our own mail, in its thread, by an e-mail of GOV.UK Notify, or by a text message."""

    received: Ways = (Way.MAIL,)
    duplicate: Ways = (Way.MAIL,)
    more_needed: Ways = (Way.MAIL, Way.NOTIFY)
    late: Ways = (Way.MAIL, Way.NOTIFY)
    done: Ways = (Way.MAIL, Way.NOTIFY)
    at_risk: Ways = (Way.MAIL, Way.NOTIFY)
    breached: Ways = (Way.MAIL, Way.NOTIFY, Way.TEXT)
    digest: Ways = (Way.MAIL,)


class Alerts(Model):
    """What goes by GOV.UK Notify. *texts_to*: who asked for text messages, and at which number."""

    templates: AlertTemplates = AlertTemplates()
    tell: Tell = Tell()
    texts_to: Mapping[str, Telephone] = Field(default_factory=dict)
