"""What we send: the reply that was decided on, as the bytes that go over the wire (E139, E200-E208).

Templates are turned into text and HTML once, when the configuration is loaded; for a mail only
values are filled in, for each language its mailbox writes, and of them those its reader may see.
"""

import binascii
import re
from base64 import encodebytes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailgate.errors import MailgateError, Refused
from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.outbound import Outbound
from mailgate.model.sending import Language
from mailgate.notify import fields, headers, privacy
from mailgate.notify.dates import zone_of
from mailgate.notify.fields import LAYOUT
from mailgate.notify.fields import About as About
from mailgate.notify.template import Frame, Prepared, compiled
from mailgate.notify.template import Source as Source
from mailgate.notify.template import check_template as check_template
from mailgate.tickets import token

MARKER = "## reply above this line ##"
_MARKERS = {Language.ENGLISH: MARKER, Language.WELSH: "## atebwch uwchben y llinell hon ##"}

SUBJECT_LIMIT = 120

NOTIFICATIONS = frozenset(
    {
        *("on_hold", "done", "cancelled", "paused", "commission", "unreadable", "unreachable", "alert"),
        *("commission_reminder", "commission_changed", "compiled", "commission_return"),
        *("at_risk", "breached", "deadlines", "worklist", "assigned", "new", "news", "question", "daily", "weekly"),
        *("review",),
    }
)
"""Messages that tell of an event; all others answer a mail and take the null sender (RFC 3834)."""

ASSIGNING = frozenset({"assigned"})

Languages = tuple[Language, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What every mail of one configuration shares; built by `prepare`.

    *messages* holds for each message, and each combination of languages in use, its parts in their order.
    """

    config: Config
    keys: token.Keys = field(repr=False)
    loop_id: str
    zone: ZoneInfo
    frame: Frame = field(repr=False)
    messages: Mapping[str, Mapping[Languages, tuple[Prepared, ...]]] = field(repr=False)


class File(NamedTuple):
    """Something attached to a mail of ours; *name* is ASCII without quotes."""

    name: str
    content_type: str
    content: bytes


class Rendered(NamedTuple):
    """A mail as its reader sees it."""

    subject: str
    text: str
    html: str


def prepare(config: Config, keys: token.Keys, loop_id: str, sources: Mapping[str, Source]) -> Context:
    """Check and compile *sources*: one for each name of `fields.OWN`, and "cy/name" for those in Welsh.

    Raises MailgateError with every mistake, one a line, as "file:line  what is wrong".
    """
    wrong = [
        f"{source.file}:{mistake.line}  {mistake.text}"
        for name, source in sources.items()
        for mistake in check_template(name, source.text, config.key_name or "")
    ]
    if wrong:
        raise MailgateError("\n".join(wrong))
    in_use = {(Language.ENGLISH,)} | {mailbox.languages for mailbox in config.service.mailboxes.values()}
    return Context(
        config=config,
        keys=keys,
        loop_id=headers.clean(loop_id),
        zone=zone_of(config),
        frame=Frame(sources[LAYOUT].text),
        messages={
            name: {languages: tuple(_parts(name, languages, sources)) for languages in in_use}
            for name in fields.OWN
            if name != LAYOUT
        },
    )


def _parts(name: str, languages: Languages, sources: Mapping[str, Source]) -> Iterator[Prepared]:
    """What there is of a message in *languages*; in English where there is nothing."""
    names = {Language.ENGLISH: name, Language.WELSH: f"cy/{name}"}
    present = [language for language in languages if names[language] in sources] or [Language.ENGLISH]
    for below, language in enumerate(present):
        yield compiled(sources[names[language]].text, language, below)


def compose(reply: Reply, about: About, context: Context, files: Sequence[File] = ()) -> Outbound:
    """The mail that says *reply*, with *files*; its serial is *about*'s.

    Raises Refused where its address cannot be written.
    """
    if not headers.can_be_written(reply.to):
        raise Refused("No answer can be sent: the address of its reader cannot be written in a mail.")
    languages = _languages(reply, about, context)
    subject, text, html = render(reply, about, context)
    message_id = _message_id(reply, about, context)
    head = headers.CRLF.join(_head(reply, about, context, subject, message_id, languages))
    return Outbound(
        message=reply.message,
        recipient=reply.to,
        sender=_return_path(reply, about, context),
        subject=subject,
        message_id=message_id,
        content=b"%b\r\nMIME-Version: 1.0\r\n%b" % (head.encode("ascii"), _body(text, html, files)),
        cause=about.cause,
        serial=about.serial,
        automatic=about.automatic,
        state=about.state,
    )


def render(reply: Reply, about: About, context: Context) -> Rendered:
    """What *reply* says to its reader, in each language of its mailbox, with what that reader may see."""
    config, signed = context.config, _display(about, context)
    marking = _marking(about, context)
    subjects, texts, pages = [], [], []
    for part in _parts_for(reply, about, context):
        known = fields.values(reply, about, config, part.language, signed, partial(_answers_to, context))
        seen = privacy.visible(known, reply, about, config)
        in_subject = privacy.visible(known, reply, about, config, in_subject=True)
        subjects.append(part.subject.render(in_subject))
        texts.append(re.sub(r"\n{3,}", "\n\n", part.text.render(seen)).strip())
        pages.append(part.html.render(seen))
    languages = _languages(reply, about, context)
    words = " / ".join(subjects)
    subject = _subject(f"{marking}: {words}" if marking and config.service.privacy.marking_in_subject else words, about)
    markers = [_MARKERS[language] for language in languages]
    frame: fields.Values = {"subject": subject, "markers": markers, "marking": marking, "language": languages[0].value}
    text = "\n\n".join(filter(None, ("\n".join(markers), marking, _TEXT_RULE.join(texts))))
    html = context.frame.around(pages, frame)
    return Rendered(subject, f"{text}\n", html)


def _parts_for(reply: Reply, about: About, context: Context) -> tuple[Prepared, ...]:
    return context.messages[reply.message][context.config.languages_of(about.mailbox)]


def _languages(reply: Reply, about: About, context: Context) -> Languages:
    """The languages of the mail: those of its mailbox in which there is a template."""
    return tuple(part.language for part in _parts_for(reply, about, context))


def _subject(words: str, about: About) -> str:
    """Our own words, after the reference (E206)."""
    subject = headers.clean(f"[{about.ref}] {words}" if about.ref else words)
    return subject if len(subject) <= SUBJECT_LIMIT else subject[: SUBJECT_LIMIT - 1].rstrip() + "…"


def _marking(about: About, context: Context) -> str:
    """The marking of the ticket, else the lowest the service has."""
    return headers.clean(about.marking) or next(iter(context.config.service.markings), "")


def _base(about: About, context: Context) -> str:
    return headers.clean(context.config.service.send_from or about.mailbox)


def _answers_to(context: Context, mailbox: str, ref: str, serial: int) -> str:
    """Where answers to mail number *serial* about *ref* come, with its token (E224); a list has none."""
    base = headers.clean(context.config.service.send_from or mailbox)
    return token.reply_address(base, context.keys, ref, serial) if ref else base


def _message_id(reply: Reply, about: About, context: Context) -> str:
    domain = _domain(_base(about, context))
    if about.ref:
        return token.message_id(domain, context.keys, about.ref, about.serial)
    named = sha256("\0".join((reply.message, reply.to, about.cause)).encode()).hexdigest()[:24]
    return f"<{reply.message}.{named}@{domain}>"


def _return_path(reply: Reply, about: About, context: Context) -> str:
    """Where it comes to that this mail could not be delivered; "" where nothing may come back (RFC 3834, E141)."""
    base = _base(about, context)
    if context.config.operator.send.is_own_relay and about.ref:
        tagged = token.return_path(base, context.keys, about.ref, about.serial)
        if tagged != base:
            return tagged
    return "" if about.automatic and reply.message not in NOTIFICATIONS else base


def _display(about: About, context: Context) -> str:
    """Who a mail is from, for people: the region's name, else the team's, else the mailbox."""
    region = headers.clean(context.config.service.region)
    return f"{region} tickets" if region else headers.clean(about.team) or _base(about, context)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


_TEXT_RULE = f"\n\n{'-' * 40}\n\n"
_FRAME = (
    b'Content-Type: multipart/alternative; boundary="=_mailgate"\r\n\r\n'
    b"--=_mailgate\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
    b"--=_mailgate\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
    b"--=_mailgate--\r\n"
)
"""Quoted-printable writes "=" as "=3D", so that the boundary never occurs in a part."""
_FILES = b'Content-Type: multipart/mixed; boundary="=_files"\r\n\r\n--=_files\r\n%b%b--=_files--\r\n'
_FILE = (
    b'--=_files\r\nContent-Type: %b\r\nContent-Disposition: attachment; filename="%b"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n%b"
)


def _body(text: str, html: str, files: Sequence[File]) -> bytes:
    """Both forms of the mail, and what is attached."""
    forms = _FRAME % (_quoted(text), _quoted(html))
    attached = b"".join(
        _FILE % (file.content_type.encode(), file.name.encode("ascii"), _base64(file.content)) for file in files
    )
    return _FILES % (forms, attached) if files else forms


def _base64(content: bytes) -> bytes:
    return encodebytes(content).replace(b"\n", b"\r\n")


def _head(
    reply: Reply, about: About, context: Context, subject: str, message_id: str, languages: Languages
) -> Iterator[str]:
    """The fields of E139, in order, each already safe and folded."""
    base = _base(about, context)
    display = headers.display_name(_display(about, context))
    yield headers.mailbox("From", display, base)
    yield f"To: <{reply.to}>"
    yield headers.mailbox("Reply-To", display, _answers_to(context, about.mailbox, about.ref, about.serial))
    yield headers.unstructured("Subject", subject)
    yield f"Date: {format_datetime(about.at)}"
    yield f"Message-ID: {message_id}"
    if headers.is_message_id(about.answers):
        yield headers.id_list("In-Reply-To", [about.answers])
    if ids := headers.references(about.answers, about.references):
        yield headers.id_list("References", ids)
    if about.automatic:
        yield f"Auto-Submitted: {'auto-generated' if reply.message in NOTIFICATIONS else 'auto-replied'}"
    # Not "All": that would suppress bounces too. Whoever is given work may say that they are away.
    hushed = about.automatic and reply.message not in ASSIGNING
    yield f"X-Auto-Response-Suppress: DR, RN, NRN{', OOF, AutoReply' if hushed else ''}"
    yield f"X-Mailgate-Loop: {context.loop_id}"
    if about.ref:
        yield f"X-Mailgate-Id: {about.ref}.{about.serial}"
    yield f"Content-Language: {', '.join(languages)}"


def _quoted(text: str) -> bytes:
    """*text* as quoted-printable UTF-8, CRLF, no line longer than 76."""
    return binascii.b2a_qp(text.replace("\n", "\r\n").encode(), istext=True)
