"""The configuration as values: what an operator and the owner of a service decide.

These models say which keys exist and what a single value may be. What only the whole can
tell (a team that does not exist, a task nobody defined) is checked in ``settings.py``,
which also knows the line of every value.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from mailgate.model.base import Model as Model
from mailgate.model.keeping import Keep
from mailgate.model.outbound import Way
from mailgate.model.spans import Longer, Opening, Span, Unit, When, clock, spoken
from mailgate.model.ticket import WaitingFor


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _parsed(kind: type[Span] | type[Opening] | type[When] | type[Longer]) -> BeforeValidator:
    return BeforeValidator(lambda value: kind.parse(value) if isinstance(value, str) else value)


def _size(value: Any) -> Any:
    """ "40 MiB" as a number of bytes."""
    if not isinstance(value, str):
        return value
    number, _, unit = value.strip().partition(" ")
    factor = {"": 1, "bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}.get(unit.strip())
    if factor is None or not number.isdigit():
        raise ValueError('expected a size such as "40 MiB"')
    return int(number) * factor


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected a time zone such as Europe/London") from error
    return name


def _reference(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2,5}", value):
        raise ValueError('expected two to five capital letters, such as "MG"')
    return value


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("expected an IP address or a network such as 192.0.2.0/24") from error
    return text


def _time_of_day(value: Any) -> Any:
    return clock(value) if isinstance(value, str) else value


def _guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError('expected the number of a tenant, such as "11111111-2222-3333-4444-555555555555"') from None


TEAM_LEAD = "team lead"
APPROVE = ("approve", "approved", "#approve")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
Allowance = Annotated[Span, _parsed(Span), PlainSerializer(str)]
Hours = Annotated[Opening, _parsed(Opening), PlainSerializer(str)]
Slower = Annotated[Longer, _parsed(Longer), PlainSerializer(str)]
Reached = Annotated[When, _parsed(When), PlainSerializer(str)]
Size = Annotated[int, BeforeValidator(_size)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Count = Annotated[int, Field(ge=1)]
Tenant = Annotated[str, AfterValidator(_guid)]
Seconds = Annotated[float, Field(gt=0)]


class Mode(StrEnum):
    LIVE = "live"
    OBSERVE = "observe"
    OFF = "off"


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


class ShareWork(StrEnum):
    """Who gets a new ticket."""

    LEAST_BUSY = "to the least busy person on duty"
    IN_TURN = "in turn"
    NOBODY = "leave unassigned"


class Framework(StrEnum):
    """How far a capacity level may slow a task (the Prioritisation Framework)."""

    MANDATORY = "mandatory"
    REDUCIBLE = "reducible"
    PAUSABLE = "pausable"


class Defaults(Model):
    calendar: str | None = None
    priority: str | None = None
    share_work: ShareWork = ShareWork.NOBODY
    team: str | None = None
    duplicates_within: Allowance = Span.parse("10 working days")
    reopen_within: Allowance = Span.parse("10 working days")
    framework: Framework = Framework.REDUCIBLE
    clock_stops_for: Annotated[tuple[WaitingFor, ...], BeforeValidator(_listed)] = (
        WaitingFor.REQUESTER,
        WaitingFor.CAPACITY,
    )


class Identifier(Model):
    """A number to recognise. *key*: it names the case a ticket is about."""

    label: str | None = None
    pattern: str
    key: bool = False
    after: Words = ()
    not_after: Words = ()
    check: Literal["pnc", "cro"] | None = None
    belongs_to: str | None = None


class Refusals(Model):
    """Words that say that something is not wanted: those that stand before it, and those after it."""

    before: Words = ()
    after: Words = ()


class TextKeys(Model):
    """How paragraphs begin that count for nothing, and how people ask, mention in passing and refuse."""

    disclaimers: Words = ()
    banners: Words = ()
    asks: Words = ()
    asides: Words = ()
    refusals: Refusals = Refusals()


class Calendar(Model):
    hours: Annotated[tuple[Hours, ...], BeforeValidator(_listed)]
    holidays: Literal["england-and-wales", "scotland", "northern-ireland"] | None = None
    also_closed: tuple[date, ...] = ()
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/London"


class SlaPolicy(Model):
    reply: Allowance
    finish: Allowance


class Climb(StrEnum):
    """What a rung of the ladder does to its ticket."""

    REASSIGN = "give it to whoever is on duty"
    RAISE = "raise the priority"


Climbs = Annotated[tuple[Climb, ...], BeforeValidator(_listed)]


class Rung(Model):
    """One step of the escalation ladder: whom it tells, how often again, what it does."""

    when: Reached
    tell: Words
    repeat: Allowance | None = None
    then: Climbs = ()

    @model_validator(mode="after")
    def _counts(self) -> Self:
        for span in (self.when.late, self.when.before, self.repeat):
            if span is not None and (span.unit is Unit.DEADLINE or not span.count):
                raise ValueError('expected a length of time such as "1 working day"')
        return self


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


class Information(Model):
    """Something a task may need; *ask* completes the sentence "Please tell us ...".

    It is recognised by the identifier of its name, by *words*, by *pattern*, or as a *date*:
    one with a *lead* before it, one at least *ago* old, or *count* of them.
    """

    ask: str
    words: Words = ()
    pattern: str | None = None
    date: bool = False
    lead: Words = ()
    ago: Allowance | None = None
    count: Annotated[int, Field(ge=1, le=20)] = 1


class Task(Model):
    label: str | None = None
    recognise: Words = ()
    words: Words = ()
    needs: Words = ()
    without: Words = ()
    priority: str | None = None
    sla: str | None = None
    framework: Framework | None = None


class Category(Model):
    label: str | None = None
    team: str | None = None
    needs: Words = ()
    priority: str | None = None
    framework: Framework | None = None
    tasks: Mapping[str, Task] = Field(default_factory=dict)


class Then(Model):
    """What a rule changes."""

    task: str | None = None
    priority: str | None = None
    tag: Words = ()
    show_to: Literal["the owning team only"] | None = None
    attachments: Literal["hold until a person releases them"] | None = None
    start: Literal["commission"] | None = None
    stop: bool = False


def _yes_or_no(value: Any) -> Any:
    """Conditions with their "yes" and "no" as booleans, nested ones too; other text stays what it is."""
    match value:
        case str():
            return {"yes": True, "no": False}.get(value, value)
        case list():
            return [_yes_or_no(item) for item in value]
        case Mapping():
            return {name: _yes_or_no(item) for name, item in value.items()}
    return value


class Rule(Model):
    name: str
    when: Annotated[Mapping[str, Any], BeforeValidator(_yes_or_no)]
    then: Then


class SmallTalk(Model):
    thanks: Words = ()
    chasers: Words = ()


class Questions(Model):
    """What people write to be sent a list: of their own work, of the team's, of what they wait for, what is found."""

    mine: Words = ()
    team: Words = ()
    status: Words = ()
    find: Words = ()


class Slowing(Model):
    """What a capacity level does to tasks of one framework class: one of the first three, or nothing."""

    finish: Slower | None = None
    pause: bool = False
    decline: bool = False
    tell_requester: Literal["paused", "declined", "status"] | None = None

    @model_validator(mode="after")
    def _is_clear(self) -> Self:
        if sum((self.finish is not None, self.pause, self.decline)) > 1:
            raise ValueError(
                "a level can make tasks longer, pause them or decline them: say one of finish, pause, decline"
            )
        if self.decline and self.tell_requester is None:
            raise ValueError('"decline: yes" needs tell_requester, or nobody would hear that a request is not taken on')
        return self


class Capacity(Model):
    """*set_by*: the roles of the directory that set capacity levels by mail."""

    set_by: Words = ()

    @property
    def roles(self) -> frozenset[str]:
        """The roles in small letters."""
        return frozenset(role.casefold() for role in self.set_by)


def _before_the_deadline(value: Any) -> Any:
    ending = " before the deadline"
    if not isinstance(value, str) or not value.endswith(ending):
        raise ValueError('expected "2 working days before the deadline"')
    return Span.parse(value.removesuffix(ending))


class Chase(Model):
    """How late returns are chased: again after *every* so long, and whom; "team" is the unit's own."""

    every: Allowance
    tell: Words

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "every working day, to the team and the head of PDU"; ValueError says what was expected."""
        found = re.fullmatch(r"every (?:(\d+) )?([a-z ]+), to (.+)", " ".join(text.split()))
        if found is None:
            raise ValueError('expected "every working day, to the team and the", and a role of the directory')
        tell = [each.strip().removeprefix("the ") for each in re.split(r",| and ", found[3])]
        return cls(every=Span.parse(f"{found[1] or 1} {found[2]}"), tell=tuple(filter(None, tell)))

    def __str__(self) -> str:
        every = str(self.every.unit).removesuffix("s") if self.every.count == 1 else str(self.every)
        return f"every {every}, to {' and '.join(f'the {each}' for each in self.tell)}"


class Commissions(Model):
    """Requests that go on to several units, whose returns go back as one.

    *nil_return* and *more_time* are what units write where they have nothing to report or ask for another day.
    """

    ask: Words
    answer_by: Annotated[Span, BeforeValidator(_before_the_deadline), PlainSerializer("{} before the deadline".format)]
    remind: Annotated[tuple[Reached, ...], BeforeValidator(_listed)] = ()
    chase_overdue: Annotated[
        Chase | None,
        BeforeValidator(lambda value: Chase.parse(value) if isinstance(value, str) else value),
        PlainSerializer(lambda chase: str(chase) if chase else None),
    ] = None
    compiled_by: str
    return_to: Literal["whoever asked"] = "whoever asked"
    nil_return: Words = ("nil return", "nothing to report", "nothing to return")
    more_time: Words = ("more time", "extension", "extend", "another day", "a few more days")

    @cached_property
    def ladder(self) -> tuple[Rung, ...]:
        """The reminders and the chasing, as the rungs of a ladder that the units' tickets climb."""
        reminders = [Rung(when=when, tell=("owner",)) for when in self.remind]
        chase = self.chase_overdue
        told = (
            tuple(name for each in chase.tell for name in (("owner",) if each == "team" else (each,))) if chase else ()
        )
        return (*reminders, *((Rung(when=When(), tell=told, repeat=chase.every),) if chase else ()))


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


Readers = Annotated[tuple[Audience, ...], BeforeValidator(_listed)]


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
Ways = Annotated[tuple[Way, ...], BeforeValidator(_listed)]


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


class Store(Model):
    url: str = "sqlite:///var/mailgate.db"
    raw: str = "var/raw"
    keep_free: Size = 512 * 1024**2


class Tls(Model):
    """How SMTP is encrypted. *clients*: names in certificates that let a peer in which is not among the relays."""

    certificate: str
    key: str
    required: bool = False
    clients: Words = ()
    authorities: str = "/etc/ssl/certs/ca-certificates.crt"


class Limits(Model):
    """How much of us one client may use (docs/reliability.md section 8)."""

    connections: Count = 200
    connections_per_peer: Count = 20
    messages_per_minute: Count = 600
    commands_per_minute: Count = 6000
    messages_per_connection: Count = 100
    recipients: Count = 100
    bad_commands: Count = 10
    unknown_recipients: Count = 20
    command_bytes: Annotated[int, Field(ge=512)] = 512
    idle_seconds: Seconds = 300
    session_seconds: Seconds = 600
    data_seconds: Seconds = 1800
    data_grace_seconds: Seconds = 60
    data_bytes_per_second: Count = 20_000

    def seconds_left(self, size: int, elapsed_seconds: float) -> float:
        """How long a client that sent *size* bytes of a mail so far may be silent (S5, E16)."""
        allowed = min(self.data_seconds, self.data_grace_seconds + size / self.data_bytes_per_second)
        return min(self.idle_seconds, allowed - elapsed_seconds)


class Smtp(Model):
    listen: str | None = "127.0.0.1:8025"
    max_size: Size = 40 * 1024**2
    relays: Networks = ("127.0.0.1", "::1")
    vouches: Networks = ()
    tenant: Tenant | None = None
    authserv_id: str | None = None
    tls: Tls | None = None
    limits: Limits = Limits()


class Lmtp(Model):
    listen: str | None = None

    @property
    def path(self) -> str | None:
        """Where its Unix socket is, if it has one."""
        return self.listen.removeprefix("unix:") if self.listen and self.listen.startswith("unix:") else None


class ImapAccount(Model):
    """A mailbox to fetch from. *vouches*: what its server says about who sent a mail counts (E180)."""

    mailbox: str
    host: str
    port: int = 993
    ssl: bool = True
    user: str
    auth: Literal["password", "xoauth2"] = "password"
    folder: str = "INBOX"
    sent_folder: str | None = None
    poll_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    secret_file: str
    secret_ends: date | None = None
    tenant: str | None = None
    client_id: str | None = None
    vouches: bool | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.ssl and self.host not in LOOPBACK:
            raise ValueError('"ssl: no" is allowed only where host is this machine: passwords would cross the network')
        if self.auth == "xoauth2" and not (self.tenant and self.client_id):
            raise ValueError('"auth: xoauth2" needs tenant and client_id beside it')
        return self

    @property
    def is_believed(self) -> bool:
        """Exchange Online removes from outsiders' mail the headers that only it may write; others have to say so."""
        return self.auth == "xoauth2" if self.vouches is None else self.vouches


class Send(Model):
    """How our own mail leaves. *user*: for a relay that sends for those it knows; *automatic_per_hour*: E136."""

    via: str = "maildir:var/outbox"
    user: str | None = None
    auth: Literal["password", "xoauth2"] = "xoauth2"
    secret_file: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    automatic_per_hour: Count = 3000

    @property
    def is_own_relay(self) -> bool:
        """Whether a relay of ours sends, which takes whatever return path we give (E141)."""
        return self.via.startswith("smtp://") and not self.user

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.user and not self.secret_file:
            raise ValueError('"user" needs secret_file beside it')
        if self.user and self.auth == "xoauth2" and not (self.tenant and self.client_id):
            raise ValueError('"auth: xoauth2" needs tenant and client_id beside it')
        return self


class Notify(Model):
    """GOV.UK Notify. *callback_token_file*: what it proves itself by when it reports; without one it is asked."""

    base_url: str = "https://api.notifications.service.gov.uk"
    api_key: str | None = Field(default=None, repr=False)
    api_key_file: str | None = None
    callback_token_file: str | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything can go by it."""
        return bool(self.api_key or self.api_key_file)


class Web(Model):
    listen: str | None = "127.0.0.1:8080"


class Workers(Model):
    processes: Annotated[int, Field(ge=1, le=64)] = 1


class Operator(Model):
    """Everything the operator decides: ``mailgate.yml``."""

    store: Store = Store()
    smtp: Smtp = Smtp()
    lmtp: Lmtp = Lmtp()
    imap: tuple[ImapAccount, ...] = ()
    send: Send = Send()
    notify: Notify = Notify()
    web: Web = Web()
    keys: str = "var/keys"
    workers: Workers = Workers()


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
