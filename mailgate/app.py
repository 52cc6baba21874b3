"""Builds every real object from the configuration, in one place."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from mailgate.errors import Refused
from mailgate.ingest.listener import check_free, encryption, local_socket
from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.operator import ImapAccount
from mailgate.model.outbound import Way
from mailgate.model.reading import Reading
from mailgate.notify import smtp
from mailgate.notify.channel import Channel, channel_for
from mailgate.notify.compose import Context, prepare
from mailgate.notify.files import read_templates
from mailgate.settings import template_folders
from mailgate.store import configurations, leases, outbox, spool
from mailgate.store.engine import Store, is_made, open_store
from mailgate.store.facts import look_up
from mailgate.store.keys import load_keys, retirements
from mailgate.store.schema import loop_id, schema_is_current, upgrade
from mailgate.tickets.token import ORDERS_FOR, Keys, check
from mailgate.workers.reconcile import Account

if TYPE_CHECKING:
    from mailgate.ingest.imap import MailFolder
    from mailgate.notify.govuk import Govuk
    from mailgate.workers.templates import Look

ROLES = ("smtp", "imap", "worker", "scheduler", "web")


def clock() -> datetime:
    """The time; everything else is told it."""
    return datetime.now(UTC)


def make_ready(store: Store, config: Config) -> None:
    """Check the store, bring its tables up to date and take back the leases of workers that are gone."""
    store.check()
    store.objects.make_ready()
    upgrade(store)
    configurations.keep(store, config, clock())
    spool.release_leases(store)
    outbox.release_leases(store, channel_to(config).doubt)
    leases.release_leases(store)


def bury(store: Store, config: Config, pid: int) -> None:
    """Take back the leases of a process of ours that is seen to be gone."""
    spool.release_leases_of(store, pid)
    outbox.release_leases_of(store, pid, channel_to(config).doubt)
    leases.release_leases_of(store, pid)


def context_of(config: Config, store: Store) -> Context:
    """What every mail we send shares. MailgateError names each mistake in a template."""
    sources = read_templates(config, template_folders(config))
    return prepare(config, keys_of(config), loop_id(store), sources)


def keys_of(config: Config) -> Keys:
    """The keys that sign our tokens, made where there are none. Refused where they cannot be used."""
    folder = Path(config.operator.keys)
    secrets, current = load_keys(folder)
    return Keys(current, secrets, retirements(folder))


def facts_about(reading: Reading, config: Config) -> Facts:
    """What the store knows about a mail, changing nothing; where there is no store yet, only the time."""
    if not is_made(config.operator):
        return Facts(clock())
    with closing(open_store(config.operator)) as store, store.read() as connection:
        if not schema_is_current(store):
            return Facts(clock())
        keys, now = keys_of(config), clock()
        checks, outlived = partial(check, keys, now), keys.outlived(ORDERS_FOR, now)
        return look_up(connection, [reading], checks, [now], config.service.sharing, outlived)[0]


def address_of(listen: str, key: str = "smtp.listen") -> tuple[str, int]:
    """Host and port of "127.0.0.1:8025" or "[::1]:8025", the value of *key*; Refused where it is neither."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Refused(f'{key} is "{listen}"; expected HOST:PORT, such as 127.0.0.1:8025')
    return host.strip("[]"), int(port)


def channel_to(config: Config) -> Channel:
    """The way out of our own mail."""
    send = config.operator.send
    login = None
    if send.user and send.via.startswith("smtp://"):
        secret = secret_in(Path(send.secret_file or ""), "send.secret_file")
        if send.auth == "xoauth2":
            from mailgate.ingest.exchange import token_source

            login = smtp.xoauth2(send.user, token_source(send.tenant or "", send.client_id or "", secret))
        else:
            login = smtp.password(send.user, secret)
    return channel_for(send.via, login)


def notify_channel(config: Config, way: Way, environment: str) -> "Govuk":
    """GOV.UK Notify for one *way*, and for one thread. Refused where its key is none."""
    from mailgate.notify.govuk import Govuk

    notify = config.operator.notify
    key = notify.api_key or secret_in(Path(notify.api_key_file or ""), "notify.api_key_file")()
    templates = config.service.alerts.templates.known
    return Govuk(way, key, notify.base_url, environment, templates, clock, random.random)


def template_look(config: Config) -> "Look | None":
    """How to look at a template of GOV.UK Notify; None where no key is set."""
    if not config.operator.notify.is_set:
        return None
    return notify_channel(config, Way.NOTIFY, "").template


def secret_in(file: Path, key: str) -> Callable[[], str]:
    """What reads the secret in *file*, every time anew so that it may be changed; *key* names the setting."""

    def secret() -> str:
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{key} cannot be read: put the secret into that file") from error

    return secret


def connection_to(account: ImapAccount) -> "Callable[[], MailFolder]":
    """How to open the folder of *account*; its secret is read for every login, so that it may be changed."""
    from mailgate.ingest.imap import MailFolder

    secret = secret_in(Path(account.secret_file), "imap.secret_file")
    if account.auth == "xoauth2":
        from mailgate.ingest.exchange import token_source

        return partial(MailFolder, account, token_source(account.tenant or "", account.client_id or "", secret))
    return partial(MailFolder, account, secret)


def addresses(config: Config, roles: frozenset[str]) -> Mapping[str, tuple[str, int]]:
    """Where this gateway listens on the network, by "smtp" and "lmtp"."""
    operator = config.operator
    listens = {"smtp": operator.smtp.listen, "lmtp": None if operator.lmtp.path else operator.lmtp.listen}
    return {
        name: address_of(listen, f"{name}.listen") for name, listen in listens.items() if listen and "smtp" in roles
    }


def check_doors(config: Config, roles: frozenset[str]) -> None:
    """Refused where something else listens already or a certificate is wrong: once, before there are processes."""
    if config.operator.smtp.tls:
        encryption(config.operator.smtp.tls)
    for name, (host, port) in addresses(config, roles).items():
        try:
            check_free(host, port)
        except OSError as error:
            raise cannot_listen(name, host, port, error) from error


def cannot_listen(name: str, host: str, port: int, error: OSError) -> Refused:
    return Refused(f"{host}:{port} cannot be listened on ({error.strerror}): change {name}.listen")


@contextmanager
def lmtp_socket(config: Config, roles: frozenset[str]) -> Iterator[socket | None]:
    """The Unix socket for LMTP, made before there are several processes, which share it; None where there is none."""
    path = config.operator.lmtp.path
    if path is None or "smtp" not in roles:
        yield None
    else:
        with local_socket(Path(path)) as listening:
            yield listening


def accounts_of(config: Config) -> Sequence[Account]:
    """The accounts that can be compared with the store."""
    return [Account(account.mailbox, account.folder, connection_to(account)) for account in config.operator.imap]
