"""The configuration as values: what an operator and the owner of a service decide.

These models say which keys exist and what a single value may be. What only the whole can
tell (a team that does not exist, a task nobody defined) is checked in ``settings.py``,
which also knows the line of every value.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mailgate.model.base import Model
from mailgate.model.keeping import Keep
from mailgate.model.kinds import Allowance, Words, listed
from mailgate.model.operator import Operator
from mailgate.model.promises import Calendar, Capacity, Commissions, Rung, SlaPolicy, Slowing
from mailgate.model.sending import Alerts, Digests, Language, Messages, Privacy
from mailgate.model.spans import Span
from mailgate.model.ticket import WaitingFor
from mailgate.model.work import Category, Framework, Identifier, Information, Questions, Rule, SmallTalk, Task, TextKeys


def _reference(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2,5}", value):
        raise ValueError('expected two to five capital letters, such as "MG"')
    return value


APPROVE = ("approve", "approved", "#approve")


class Mode(StrEnum):
    LIVE = "live"
    OBSERVE = "observe"
    OFF = "off"


class ShareWork(StrEnum):
    """Who gets a new ticket."""

    LEAST_BUSY = "to the least busy person on duty"
    IN_TURN = "in turn"
    NOBODY = "leave unassigned"


class Defaults(Model):
    calendar: str | None = None
    priority: str | None = None
    share_work: ShareWork = ShareWork.NOBODY
    team: str | None = None
    duplicates_within: Allowance = Span.parse("10 working days")
    reopen_within: Allowance = Span.parse("10 working days")
    framework: Framework = Framework.REDUCIBLE
    clock_stops_for: Annotated[tuple[WaitingFor, ...], BeforeValidator(listed)] = (
        WaitingFor.REQUESTER,
        WaitingFor.CAPACITY,
    )


class Team(Model):
    lead: str | None = None
    units: Literal["all"] | tuple[str, ...] = "all"
    calendar: str | None = None
    cover: str | None = None
    label: str | None = None


Writing = Literal["en", "cy", "en+cy"]


class Mailbox(Model):
    """A functional address we answer for. *usually*: the category where nothing says otherwise."""

    team: str
    usually: str | None = None
    mode: Mode = Mode.LIVE
    language: Writing = "en"

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages of each mail about its tickets, in their order."""
        return tuple({"en": Language.ENGLISH, "cy": Language.WELSH}[tag] for tag in self.language.split("+"))


def _information(value: Any) -> Any:
    """The short form, a sentence alone, as the long one."""
    if not isinstance(value, Mapping):
        return value
    return {name: {"ask": entry} if isinstance(entry, str) else entry for name, entry in value.items()}


class Service(Model):
    """Everything the owner of the service decides."""

    region: str = ""
    reference: Annotated[str, BeforeValidator(_reference)] = "MG"
    send_from: str | None = None
    defaults: Defaults = Defaults()
    domains: Words = ()
    identifiers: Mapping[str, Identifier] = Field(default_factory=dict)
    markings: Words = ()
    text: TextKeys = TextKeys()
    calendars: Mapping[str, Calendar] = Field(default_factory=dict)
    sla: Mapping[str, SlaPolicy] = Field(default_factory=dict)
    priorities: Mapping[str, str] = Field(default_factory=dict)
    escalation: tuple[Rung, ...] = ()
    teams: Mapping[str, Team] = Field(default_factory=dict)
    mailboxes: Mapping[str, Mailbox] = Field(default_factory=dict)
    information: Annotated[Mapping[str, Information], BeforeValidator(_information)] = Field(default_factory=dict)
    categories: Mapping[str, Category] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    commands: Mapping[str, Words] = Field(default_factory=dict)
    small_talk: SmallTalk = SmallTalk()
    questions: Questions = Questions()
    capacity_levels: Mapping[str, Mapping[Framework, Slowing]] = Field(default_factory=dict)
    capacity: Capacity = Capacity()
    commissions: Commissions | None = None
    digests: Digests = Digests()
    messages: Messages = Messages()
    privacy: Privacy = Privacy()
    welsh: Mapping[str, str] = Field(default_factory=dict)
    alerts: Alerts = Alerts()
    keep: Keep = Keep()

    @property
    def orders(self) -> Mapping[str, Words]:
        """The words of each command; where there are commissions also those that approve a return."""
        return {"approve": APPROVE, **self.commands} if self.commissions else self.commands

    @property
    def sharing(self) -> tuple[str, ...]:
        """The teams whose work is given out."""
        return () if self.defaults.share_work is ShareWork.NOBODY else tuple(self.teams)


def _is_below(domain: str, domains: tuple[str, ...]) -> bool:
    domain = domain.lower()
    return any(domain == own or domain.endswith("." + own) for own in domains)


class Config(Model):
    """The whole configuration.

    *version* is the hash of the service's content, *folders* is where it was read, and
    *changed* names what a second folder changed in the first. *guidance* says by "category.task" how a task is done.
    """

    version: str
    service: Service
    operator: Operator = Operator()
    folders: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    guidance: Mapping[str, str] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.version)

    @cached_property
    def key_name(self) -> str | None:
        """The identifier that names a case ("crn" in the shipped example), if there is one."""
        return next((name for name, identifier in self.service.identifiers.items() if identifier.key), None)

    def task(self, path: str) -> tuple[Category, Task]:
        """Category and task of "enforcement.warning-letter"; every category has the task "other".

        Both are empty where the configuration no longer knows the category of an old ticket.
        """
        category_name, _, task_name = path.partition(".")
        category = self.service.categories.get(category_name) or Category()
        return category, category.tasks.get(task_name) or Task()

    def asks(self, name: str) -> str:
        """What ends the sentence "Please tell us ..." for the information or identifier *name*."""
        if found := self.service.information.get(name):
            return found.ask
        identifier = self.service.identifiers.get(name)
        return f"the {(identifier and identifier.label) or name}"

    def is_ours(self, domain: str) -> bool:
        """Whether *domain* is one of our organisation's, or below one of them."""
        return _is_below(domain, self.service.domains)

    def is_partner(self, domain: str) -> bool:
        """Whether *domain* is that of an outside body we work with, or below one."""
        return _is_below(domain, self.service.privacy.partners)

    @property
    def writes_welsh(self) -> bool:
        """Whether any mailbox writes in Welsh."""
        return any(Language.WELSH in mailbox.languages for mailbox in self.service.mailboxes.values())

    def languages_of(self, mailbox: str) -> tuple[Language, ...]:
        """The languages of each mail about the tickets of *mailbox*."""
        found = self.service.mailboxes.get(mailbox)
        return found.languages if found else (Language.ENGLISH,)

    def mailbox_of(self, address: str) -> str | None:
        """The configured mailbox that *address* reaches, with or without a plus tag (E11)."""
        local, _, domain = address.lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return self._mailbox_names.get(plain)

    def accepts(self, address: str) -> bool:
        """Whether mail to *address* is for us: a mailbox, or where answers to our mails come."""
        local, _, domain = address.lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return plain in self._mailbox_names or plain == (self.service.send_from or "").lower()

    @cached_property
    def _mailbox_names(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self.service.mailboxes}
