"""What ``doctor`` looks at. Each check says in one sentence what it found and, where it is wrong, what to do.

Nothing is changed and no mail is sent. Names are only resolved by connecting to them.
"""

import json
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mailgate.app import address_of, channel_to, connection_to, context_of, template_look
from mailgate.cli.key_ages import due
from mailgate.errors import MailgateError, Refused, TryLater
from mailgate.ingest.listener import encryption
from mailgate.ingest.policy import space_floor
from mailgate.model.config import Config
from mailgate.notify.texts import is_fatal
from mailgate.store import examination, nodes
from mailgate.store.engine import is_made, open_store
from mailgate.store.keys import written
from mailgate.store.schema import schema_is_current
from mailgate.store.space import FreeSpace, folders_of
from mailgate.workers.canary import flies
from mailgate.workers.certificates import endings
from mailgate.workers.presence import running
from mailgate.workers.templates import compared
from mailgate.workers.watch import WARNED_DAYS

SAFE_PYTHON = {(3, 11): 15, (3, 12): 13, (3, 13): 12, (3, 14): 3}
"""The first patch releases without the faults in reading and writing mail of docs/reliability.md R14."""
PATIENCE_SECONDS = 2.0
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


NO_ENDING = {
    "send": "The relay is spoken to without TLS: add ?starttls=required.",
    "imap": "Nobody knows when the client secret ends: write the day into secret_ends.",
}


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


Finding = tuple[Level, str, str]
Findings = Iterator[Finding]


def examine(config: Config) -> Findings:
    """Every check, in the order in which a person would mend things."""
    for check in CHECKS:
        try:
            yield from check(config)
        except (MailgateError, OSError) as error:
            says = str(error) if isinstance(error, MailgateError) else f"{error.strerror}: {error.filename or ''}"
            yield Level.FAILURE, check.__name__.strip("_").replace("_", " "), says


def _ok(what: str, says: str) -> Finding:
    return Level.OK, what, says


def _python(config: Config) -> Findings:
    version = sys.version_info
    safe = SAFE_PYTHON.get(version[:2])
    if safe is not None and version.micro < safe:
        says = f"This is Python {sys.version.split()[0]}: install {version.major}.{version.minor}.{safe} or later"
        yield Level.WARNING, "python", f"{says}, or be sure that your distribution mended CVE-2026-1299."
    else:
        yield _ok("python", f"This is Python {sys.version.split()[0]}.")


def _configuration(config: Config) -> Findings:
    yield _ok("configuration", f"{' with '.join(config.folders)} is valid; version {config.version}.")
    smtp = config.operator.smtp
    vouches = smtp.vouches
    if vouches and smtp.tenant:
        yield _ok("smtp.vouches", f"{', '.join(vouches)} may vouch for mail that bears our tenant's number.")
    elif vouches:
        says = (
            f"{', '.join(vouches)} may say that any mail is from our own domains (smtp.vouches): "
            "name only relays that refuse forged senders."
        )
        yield Level.WARNING, "smtp.vouches", says
    else:
        yield _ok("smtp.vouches", "Nobody is believed without proof.")


def _clock(config: Config) -> Findings:
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    if abs((time.time() - wall) - (time.monotonic() - steady)) > 1 or datetime.now(UTC) < EARLIEST:
        yield Level.FAILURE, "clock", "The clock jumps or is years behind: let chrony or systemd-timesyncd set it."
    else:
        yield _ok("clock", f"It is {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.")


def _store(config: Config) -> Findings:
    if not is_made(config.operator):
        yield Level.WARNING, "store", "There is none yet: the first start makes it."
        return
    with closing(open_store(config.operator)) as store:
        store.check()
        current = schema_is_current(store)
        if not current:
            yield Level.FAILURE, "store", 'Its tables are not of this version: run "mailgate db upgrade".'
        for is_well, what, says in examination.examine(store):
            yield (Level.OK if is_well else Level.WARNING), what, says
        for is_well, what, says in nodes.examine(store, running(config)) if current else ():
            yield (Level.OK if is_well else Level.WARNING), what, says
        if current and Path(config.operator.keys).exists():
            context_of(config, store)  # reads the keys and every template


def _keys(config: Config) -> Findings:
    folder = Path(config.operator.keys)
    if not folder.exists():
        yield Level.WARNING, "keys", f"There are none in {folder} yet: the first start makes one."
        return
    loose = [path for path in (folder, *folder.iterdir()) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in loose:
        yield Level.FAILURE, "keys", f"Others may use {path}: run chmod go= {path}."
    if not loose:
        yield _ok("keys", f"Only we may read {folder}.")
    for says in due(written(folder), datetime.now(UTC)):
        yield Level.WARNING, "keys", says


def _raw_folder(config: Config) -> Findings:
    place = config.operator.store.raw
    if "://" in place:
        yield _ok("store.raw", "Large mails go to an object store.")
        return
    folder = Path(place)
    if not folder.exists():
        yield _ok("store.raw", f"{folder} is made when it is needed.")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Level.FAILURE, "store.raw", f"Others may read {folder}: run chmod go= {folder}."
    else:
        yield _ok("store.raw", f"Only we may read {folder}.")


def _free_space(config: Config) -> Findings:
    left, least = FreeSpace(folders_of(config.operator))(), space_floor(config)
    says = f"{left // 1024**2} MiB are left; mail is refused below {least // 1024**2} MiB"
    if left < least:
        yield Level.FAILURE, "free space", f"{says}: make room now."
    elif left < 4 * least:
        yield Level.WARNING, "free space", f"{says}: make room soon."
    else:
        yield _ok("free space", f"{says}.")


def _addresses(config: Config) -> Findings:
    operator = config.operator
    lmtp = None if operator.lmtp.path else operator.lmtp.listen
    for key, listen in (("smtp", operator.smtp.listen), ("lmtp", lmtp), ("web", operator.web.listen)):
        if listen is None:
            continue
        host, port = address_of(listen, f"{key}.listen")
        said = _said_at(host, port)
        if said is None:
            yield _ok(f"{key}.listen", f"{listen} is free: the gateway is not running here.")
        elif "mailgate" in said:
            yield _ok(f"{key}.listen", f"A mailgate answers on {listen}.")
        else:
            yield Level.FAILURE, f"{key}.listen", f"Something else listens on {listen}: end it, or change {key}.listen."
    if operator.smtp.tls:
        encryption(operator.smtp.tls)


def _said_at(host: str, port: int) -> str | None:
    """How whoever listens there greets, or answers HTTP; None where nobody listens."""
    try:
        with socket.create_connection((host or "127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
            with suppress(TimeoutError):  # a server of SMTP speaks first, one of HTTP waits
                return connection.recv(200).decode("latin-1")
            connection.sendall(b"HEAD /ping HTTP/1.0\r\n\r\n")
            with suppress(OSError):
                return connection.recv(200).decode("latin-1")
            return ""
    except OSError:
        return None


def _sending(config: Config) -> Findings:
    via = config.operator.send.via
    channel = channel_to(config)
    if not via.startswith("maildir:"):
        channel.probe()
        yield _ok("send.via", f"{config.operator.send.shown} answers.")
        return
    folder = Path(via.removeprefix("maildir:"))
    made = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (made.is_dir() and _may_write(made)):
        yield Level.FAILURE, "send.via", f"{made} cannot be written: check its owner, or change send.via."
        return
    yield _ok("send.via", f"Mails go into the folder {folder}; nothing leaves this machine.")
    if not flies(config):
        yield Level.WARNING, "canary", "No canary is sent: what goes into a Maildir never comes back."


def _notify(config: Config) -> Findings:
    try:
        look = template_look(config)
    except Refused as error:
        yield Level.FAILURE, "notify", f"{error}."
        return
    if look is None:
        yield _ok("notify", "No key is set: nothing goes by GOV.UK Notify.")
        return
    known, found = config.service.alerts.templates.known, compared(config, look)
    if not known:
        yield Level.WARNING, "notify", "A key is set, but no template: put the ids under alerts.templates."
    for key in known:
        for says in found.get(key, ()):
            level = Level.FAILURE if is_fatal(says) else Level.WARNING
            yield level, f"notify {key}", f"At GOV.UK Notify {says}: see mailgate notify templates."
    if known and not found:
        yield _ok("notify", f"{len(known)} templates fit what we send.")


def _accounts(config: Config) -> Findings:
    """Each account as we see it now, and as the gateway says that runs here, where there is one."""
    told = _told_by_the_gateway(config) if config.operator.imap else {}
    for number, account in enumerate(config.operator.imap):
        what = f"imap {number}"
        try:
            with closing(connection_to(account)()) as folder:
                waiting = len(folder.list())
        except (TryLater, Refused) as error:
            yield Level.FAILURE, what, f"{account.mailbox}: {error}."
            continue
        yield _ok(what, f"{account.mailbox}: it can be logged in to; {waiting} mails are in its folder.")
        if account.mailbox in told:
            yield _as_told(what, told[account.mailbox])


def _told_by_the_gateway(config: Config) -> dict[str, Any]:
    """What ``/health`` says about each account; nothing where no gateway with pages runs here."""
    if config.operator.web.listen is None:
        return {}
    host, port = address_of(config.operator.web.listen, "web.listen")
    asking = HTTPConnection(host or "127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        with closing(asking):
            asking.request("GET", "/health")
            accounts = json.loads(asking.getresponse().read())["imap"]["accounts"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return {}
    return accounts if isinstance(accounts, dict) else {}


def _as_told(what: str, account: Mapping[str, Any]) -> Finding:
    last, why = account["last_good_list_at"] or "never", f": {account['why']}" if account["why"] else ""
    says = f"The gateway that runs here says {account['state']}, last listed {last}{why}."
    return Level.OK if account["ok"] else Level.FAILURE, f"{what} health", says


def _certificates(config: Config) -> Findings:
    for what, ends_at in endings(config).items():
        try:
            end = ends_at()
        except TryLater as error:
            yield Level.FAILURE, what, f"Nobody can say when it ends: {error}."
            continue
        if end is None:
            yield Level.WARNING, what, NO_ENDING[what.partition(".")[0]]
            continue
        days = (end - datetime.now(UTC)).days
        level = Level.FAILURE if days < 0 else Level.WARNING if days < WARNED_DAYS else Level.OK
        says = f"Its certificate or secret ends on {end:%Y-%m-%d}"
        yield level, f"{what} ends", f"{says}." if level is Level.OK else f"{says}: renew it."


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


CHECKS: tuple[Callable[[Config], Findings], ...] = (
    _configuration,
    _python,
    _clock,
    _store,
    _keys,
    _raw_folder,
    _free_space,
    _addresses,
    _sending,
    _notify,
    _accounts,
    _certificates,
)
