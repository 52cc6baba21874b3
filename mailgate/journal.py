"""One function for each sentence an operator reads in the log.

Identifiers and counts only: no subject, no body, no address (docs/reliability.md section 7). On a terminal
the lines are for people, elsewhere one JSON object each, of at most 8 KiB (S76).
"""

import json
import logging
import math
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from typing import Any, TextIO, cast

import structlog

from mailgate.errors import MailgateError
from mailgate.redacted import redacted

LONGEST_LINE = 8192  # bytes
MOST_CHARACTERS, FEW_CHARACTERS = 500, 40
MOST_PLACES = 12
_READ = 4 * MOST_CHARACTERS  # of a value: what is cut off behind it is not even looked at
_LARGEST = 2**63
_ALWAYS = ("event", "level", "timestamp")
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters, line ends, what turns the direction of writing, and halves of characters."""
_HASH = re.compile("[0-9a-f]{1,64}")

Line = MutableMapping[str, Any]


def _clean(logger: object, method: str, line: Line) -> Line:
    """Values that cannot break, flood or give away anything in a log, wherever they came from (S75, S76)."""
    return {_text(name): _plain(value, is_key=name == "key") for name, value in line.items()}


def _plain(value: object, *, is_key: bool = False) -> object:
    """*value* as JSON has it. *is_key*: it is the hash by which we know a mail, and no secret."""
    match value:
        case str() if is_key and _HASH.fullmatch(value):
            return str(value)
        case list() | tuple():
            return [_scalar(each) for each in islice(value, MOST_CHARACTERS)]
    return _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < _LARGEST else "a large number"
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case bytes():
            return _text(value[:_READ].decode("latin-1"))
        case BaseException():
            return _text(why(value))
    return type(value).__name__  # what it would say of itself, nobody knows


def _text(text: str, most: int = MOST_CHARACTERS) -> str:
    return redacted(_UNSEEN.sub(" ", text[:_READ]))[:most]


def _as_json(logger: object, method: str, line: Line) -> str:
    """One line. Where it would be too long its values are cut again, and where that is too long they are left out."""
    text = ""
    for said in (line, _shortened(line), {name: line[name] for name in _ALWAYS if name in line}):
        text = json.dumps(said)
        if len(text) < LONGEST_LINE:
            break
    return text


def _shortened(line: Line) -> Line:
    return {name: value[:FEW_CHARACTERS] if isinstance(value, str | list) else value for name, value in line.items()}


class _Log:
    """Standard error. A line that cannot be written is left out: no mail waits for a log, and no worker ends for it."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure(*, only_warnings: bool = False) -> None:
    """Write to standard error from now on."""
    for_people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _clean,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if for_people else "iso", utc=not for_people),
            structlog.dev.ConsoleRenderer() if for_people else _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if only_warnings else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Log())),
        cache_logger_on_first_use=True,
    )


_log: Any = structlog.get_logger()


def why(error: BaseException) -> str:
    """Our own sentence, else the class of *error* and where it was raised: a bug's text may quote the mail."""
    if isinstance(error, MailgateError) and str(error):
        return str(error)
    return " at ".join([type(error).__name__, *_places(error)[:1]])


def _places(error: BaseException) -> list[str]:
    """The file and line that raised *error*, then who called it."""
    found = [f"{Path(frame.f_code.co_filename).name}:{line}" for frame, line in walk_tb(error.__traceback__)]
    return found[::-1]


def listening(what: str, address: str) -> None:
    _log.info("listening", what=what, address=address)


def stopping() -> None:
    _log.info("stopping: open work is finished first")


def no_memory() -> None:
    _log.error("no memory was left: the process ends and has to be started again; nothing accepted is lost")


def not_caught(where: str, error: BaseException) -> None:
    """A bug of ours: *where* nobody caught *error*."""
    places = " < ".join(_places(error)[:MOST_PLACES])
    _log.error("an error that nobody expected", where=where, why=why(error), places=places)


def library_warned(name: str, place: str, error: BaseException | None) -> None:
    """Of what a library has to say its place alone: its text may quote the mail."""
    _log.warning("a library warned", name=name, place=place, why=error)


def mail_accepted(key: str, size: int, recipients: int) -> None:
    _log.info("mail accepted", key=key, size=size, recipients=recipients)


def mail_put_off(error: BaseException, number: str) -> None:
    """*number* is what the sender heard."""
    _log.warning("mail put off: the sender will try again", number=number, why=why(error))


def reply_not_delivered(key: str) -> None:
    _log.warning("mail stored, but its sender left before the reply", key=key)


def smtp_failed(error: BaseException, number: str) -> None:
    _log.error("an SMTP session failed: the sender will try again", number=number, why=why(error))


def mails_handled(count: int, tickets: int) -> None:
    _log.info("mails handled", mails=count, tickets=tickets)


def work_put_off(worker: str, count: int, error: BaseException) -> None:
    _log.warning("put off: will be tried again", worker=worker, count=count, why=why(error))


def mail_quarantined(key: str, reason: str) -> None:
    _log.error("a mail could not be read and waits in quarantine: see mailgate quarantine list", key=key, why=reason)


def team_not_told(key: str, error: BaseException) -> None:
    _log.error("no ticket could be opened about a mail that goes into quarantine", key=key, why=why(error))


def leases_not_released(error: BaseException) -> None:
    _log.warning("what a dead process had waits for the end of its lease", why=why(error))


def store_reopened() -> None:
    _log.error("the disk under the store reported an error: the store is opened anew")


def worker_failed(worker: str, error: BaseException) -> None:
    _log.error("a worker failed and goes on", worker=worker, why=why(error))


def mails_sent(outbox_ids: Sequence[int]) -> None:
    _log.info("mails sent", outbox_ids=outbox_ids)


def mail_not_sent(outbox_id: int, outcome: str, error: BaseException) -> None:
    _log.warning("mail not sent", outbox_id=outbox_id, outcome=outcome, why=why(error))


def mail_was_taken(outbox_id: int) -> None:
    _log.info("a mail in doubt had gone: it is not sent again", outbox_id=outbox_id)


def way_rests(way: str, seconds: float, why: str) -> None:
    _log.error("nothing is sent this way for a while", way=way, seconds=round(seconds), why=why)


def way_works_again(way: str) -> None:
    _log.info("this way works again", way=way)


def automatic_mail_held(per_hour: int) -> None:
    _log.error("there is too much automatic mail: it is held", per_hour=per_hour)


def template_differs(template: str, how: str) -> None:
    _log.warning("a template of GOV.UK Notify does not fit: see mailgate notify templates", template=template, how=how)


def way_not_started(way: str, error: BaseException) -> None:
    _log.error("nothing goes this way, everything else runs", way=way, why=why(error))


def receipt_noted(outbox_id: int, status: str) -> None:
    _log.info("GOV.UK Notify says what became of a message", outbox_id=outbox_id, status=status)


def certificate_renewed() -> None:
    _log.info("the certificate of STARTTLS has changed: new connections see the new one")


def certificate_not_renewed(error: BaseException) -> None:
    _log.error("the certificate of STARTTLS has changed and cannot be used: the old one stays", why=why(error))


def mailbox_opened(account: str, uidvalidity: int) -> None:
    _log.info("mailbox opened", account=_local(account), uidvalidity=uidvalidity)


def mailbox_renumbered(account: str) -> None:
    _log.warning(
        "the mail server numbers a folder anew: all of it is read again, known mail is recognised",
        account=_local(account),
    )


def mail_fetched(account: str, key: str, size: int) -> None:
    _log.info("mail fetched", account=_local(account), key=key, size=size)


def mailbox_elsewhere(account: str) -> None:
    _log.info("another node reads a mailbox: this one takes over when that one stops", account=_local(account))


def mailbox_waits_for_room(account: str) -> None:
    _log.warning("mail stays in its folder: there is too little room on the store's disk", account=_local(account))


def mail_not_fetched(account: str, uid: int, attempts: int) -> None:
    _log.warning(
        "the mail server did not hand a mail over: asked again later",
        account=_local(account),
        uid=uid,
        attempts=attempts,
    )


def mail_not_filed(account: str, uid: int, folder: str) -> None:
    _log.warning(
        "the mail server did not move a mail: tried again later; does the folder exist?",
        account=_local(account),
        uid=uid,
        folder=folder,
    )


def mailbox_put_off(account: str, error: BaseException, pause_seconds: float, *, for_people: bool) -> None:
    say = _log.error if for_people else _log.warning
    say("a mailbox cannot be read now", account=_local(account), why=why(error), pause_seconds=round(pause_seconds, 1))


def mailbox_silent(account: str, error: BaseException) -> None:
    _log.error("a mailbox has not been read for 15 minutes", account=_local(account), why=why(error))


def sent_items_not_read(account: str, error: BaseException) -> None:
    _log.warning("the folder of sent mail cannot be looked at now", account=_local(account), why=why(error))


def _local(account: str) -> str:
    """The name of a mailbox of ours without its domain: no line of the log holds an address."""
    return account.partition("@")[0]


def configuration_in_force(version: str, *, needs_restart: bool) -> None:
    _log.info("a new configuration is in force", version=version)
    if needs_restart:
        _log.warning("mailgate.yml has changed: start the gateway again to use it")


def configuration_refused(version: str, mistakes: Sequence[str]) -> None:
    """*version* stays in force. Of a mistake its place alone: its text may quote an address."""
    _log.error(
        "the configuration is wrong and the last good one stays in force: run mailgate rules check",
        version=version,
        mistakes=len(mistakes),
        first=mistakes[0].partition("  ")[0],
    )


def child_died(number: int, status: int, pause_seconds: float) -> None:
    _log.error("a process died and is started again", process=number, status=status, pause_seconds=pause_seconds)


def web_not_started(listen: str, error: BaseException) -> None:
    _log.error("the pages are not served, everything else runs: change web.listen", listen=listen, why=why(error))


def page_failed(error: BaseException) -> None:
    _log.error("a page could not be shown", why=why(error))


def mailbox_unusual(mailbox: str, mails: int, usual: float) -> None:
    what = "quieter" if mails < usual else "louder"
    sentence = f"a mailbox was far {what} than usual in the last hour"
    _log.warning(sentence, mailbox=_local(mailbox), mails=mails, usual=round(usual))


def expires(what: str, days: float) -> None:
    _log.warning("a certificate or secret ends soon: renew it", what=what, days=round(days, 1))


def clock_wrong(how: str, seconds: float) -> None:
    _log.error(f"the clock {how}: let chrony or systemd-timesyncd set it", seconds=round(seconds))


def not_looked_at(what: str, error: BaseException) -> None:
    _log.warning("could not be looked at", what=what, why=why(error))


def canary_missing(mailbox: str) -> None:
    _log.error("canaries do not come back: see docs/operations.md", mailbox=_local(mailbox))


def differences(count: int) -> None:
    _log.error("there is mail on one side only: run mailgate reconcile", count=count)


def nothing_missing() -> None:
    _log.info("compared: nothing is on one side only")


def sealed(seal: str, tickets: int) -> None:
    """*seal* as ``mailgate db verify --seal`` takes it."""
    _log.info("the histories that have grown are sealed", seal=seal, tickets=tickets)


def forgotten(counts: Mapping[str, int]) -> None:
    _log.info("forgot what is kept no longer", **{kind: count for kind, count in counts.items() if count})


def escalated(rungs: int, people: int) -> None:
    _log.info("requests are late or soon will be", rungs=rungs, people_told=people)


def level_followed(unit: str, level: str) -> None:
    _log.info("open tickets follow a capacity level", unit=unit, capacity=level)


def alerted(name: str, ref: str) -> None:
    _log.warning("people were told by a ticket", alert=_local(name), ticket=ref)
