"""What the operator decides (``mailgate.yml``): where to listen, store and send."""

import ipaddress
from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mailgate.model.base import Model
from mailgate.model.kinds import Count, Words, listed


def _size(value: Any) -> Any:
    """ "40 MiB" as a number of bytes."""
    if not isinstance(value, str):
        return value
    number, _, unit = value.strip().partition(" ")
    factor = {"": 1, "bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}.get(unit.strip())
    if factor is None or not number.isdigit():
        raise ValueError('expected a size such as "40 MiB"')
    return int(number) * factor


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("expected an IP address or a network such as 192.0.2.0/24") from error
    return text


def _guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError('expected the number of a tenant, such as "11111111-2222-3333-4444-555555555555"') from None


LOOPBACK = ("127.0.0.1", "::1", "localhost")
Size = Annotated[int, BeforeValidator(_size)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(listed)]
Tenant = Annotated[str, AfterValidator(_guid)]
Seconds = Annotated[float, Field(gt=0)]


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
    def shown(self) -> str:
        """*via* without who logs in, and by what password: for people, and for the log (S75)."""
        return f"{self.via.partition(':')[0]}://{self.via.rpartition('@')[2]}" if "@" in self.via else self.via

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
