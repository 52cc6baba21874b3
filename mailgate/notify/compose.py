"""What we send: the reply that was decided on, as the bytes that go over the wire (E139, E200-E208).

Templates are Markdown with a subject. Each is turned into text and HTML once, when the
configuration is loaded; for a mail Jinja only fills in values. A template can do nothing but
show the fields of its message, choose by them and repeat: whatever a mail says, it is text.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from email.utils import format_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from mailgate.errors import MailgateError, Refused
from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.outbound import Outbound
from mailgate.notify import fields, headers, layout
from mailgate.notify.dates import zone_of
from mailgate.notify.fields import LAYOUT
from mailgate.notify.fields import About as About
from mailgate.tickets import token

MARKER = "## reply above this line ##"
SUBJECT_LIMIT = 120

NOTIFICATIONS = frozenset(
    {"assigned", "new", "news", "on_hold", "done", "cancelled", "paused", "commission", "unreadable", "alert"}
)
"""Messages that tell of an event; all others answer a mail and take the null sender (RFC 3834)."""


class Mistake(NamedTuple):
    """What is wrong in a template, and on which line of it."""

    line: int
    text: str


class Source(NamedTuple):
    """A template as it was read: *file* is how messages name it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class _Prepared:
    subject: Template
    text: Template
    html: Template


@dataclass(frozen=True, slots=True)
class Context:
    """What every mail of one configuration shares; built by `prepare`."""

    config: Config
    keys: token.Keys = field(repr=False)
    loop_id: str
    zone: ZoneInfo
    case: fields.Case
    messages: Mapping[str, _Prepared] = field(repr=False)


def prepare(config: Config, keys: token.Keys, loop_id: str, sources: Mapping[str, Source]) -> Context:
    """Check and compile *sources*, one for each name of `fields.OWN`.

    Raises MailgateError with every mistake, one a line, as "file:line  what is wrong".
    """
    key_name = config.key_name or ""
    wrong = [
        f"{source.file}:{mistake.line}  {mistake.text}"
        for name, source in sources.items()
        for mistake in check_template(name, source.text, key_name)
    ]
    if wrong:
        raise MailgateError("\n".join(wrong))
    identifier = config.service.identifiers.get(key_name)
    return Context(
        config=config,
        keys=keys,
        loop_id=headers.clean(loop_id),
        zone=zone_of(config),
        case=fields.Case(fields.field_name(key_name), (identifier.label if identifier else None) or key_name),
        messages={
            name: _compiled(source.text, sources[LAYOUT].text) for name, source in sources.items() if name != LAYOUT
        },
    )


# ------------------------------------------------------------------ templates

_FRONT = re.compile(r"---\nsubject: *(?P<subject>\S.*)\n---\n")
_CONTENT = "<!-- content -->"
_TEXT_FRAME = "{{ marker }}\n\n{{ marking }}\n\n"
_ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.For, nodes.Const,
    nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.CondExpr,
)  # fmt: skip


def _environment(autoescape: bool) -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=autoescape, undefined=StrictUndefined, cache_size=0)


_PLAIN = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


def check_template(message: str, text: str, key_name: str = "") -> tuple[Mistake, ...]:
    """What is wrong in the template *text* of *message* ("received", …, or "layout"); *key_name* names the case."""
    text = _unix(text)
    allowed = fields.allowed(message, key_name)
    if message == LAYOUT:
        found = list(_field_mistakes(text, allowed, 0))
        return tuple(found if _CONTENT in text else [*found, Mistake(1, f"the layout has no {_CONTENT}")])
    front = _FRONT.match(text)
    if front is None:
        return (Mistake(1, 'a template begins with a line "---", a line "subject: …" and a line "---"'),)
    body = text[front.end() :]
    found = [*_field_mistakes(front["subject"], allowed, 1), *_field_mistakes(body, allowed, 3)]
    found += [Mistake(line + 3, sentence) for line, sentence in layout.mistakes(body)]
    return tuple(sorted(found))


def _field_mistakes(source: str, allowed: frozenset[str], lines_before: int) -> Iterator[Mistake]:
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        yield Mistake(lines_before + error.lineno, error.message or "this is not a template")
        return
    unknown = meta.find_undeclared_variables(tree) - allowed
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name in unknown:
            nearest = get_close_matches(node.name, sorted(allowed), 1, 0.5)
            hint = f'; nearest is "{nearest[0]}"' if nearest else f"; there are: {', '.join(sorted(allowed))}"
            yield Mistake(lines_before + node.lineno, f'unknown field "{node.name}"{hint}')
        elif not isinstance(node, _ALLOWED_NODES):
            words = "a template can show a field, and use if and for; nothing else"
            yield Mistake(lines_before + (node.lineno or 1), words)


def _compiled(text: str, layout_text: str) -> _Prepared:
    front = _FRONT.match(_unix(text))
    assert front is not None  # check_template saw to it
    body = _unix(text)[front.end() :]
    html = _unix(layout_text).replace(_CONTENT, layout.to_html(body))
    return _Prepared(
        subject=_PLAIN.from_string(front["subject"]),
        text=_PLAIN.from_string(_TEXT_FRAME + layout.to_text(body)),
        html=_HTML.from_string(html),
    )


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


# ------------------------------------------------------------------ one mail


def compose(reply: Reply, about: About, context: Context) -> Outbound:
    """The mail that says *reply*; its serial is *about*'s. Raises Refused where its address cannot be written."""
    if not headers.can_be_written(reply.to):
        raise Refused("No answer can be sent: the address of its reader cannot be written in a mail.")
    message = context.messages[reply.message]
    answers_to = token.reply_address(_base(about, context), context.keys, about.ref, about.serial)
    about = replace(about, reply_to=answers_to)
    values = fields.values(reply, about, context.case, _display(about, context), context.zone)
    subject = _subject(message, values, reply, about, context)
    values |= {"subject": subject, "marker": MARKER, "marking": _marking(about, context)}
    message_id = token.message_id(_domain(_base(about, context)), context.keys, about.ref, about.serial)
    head = headers.CRLF.join(_head(reply, about, context, subject, message_id))
    text = re.sub(r"\n{3,}", "\n\n", message.text.render(values)).strip() + "\n"
    return Outbound(
        message=reply.message,
        recipient=reply.to,
        sender="" if about.automatic and reply.message not in NOTIFICATIONS else _base(about, context),
        subject=subject,
        message_id=message_id,
        content=_FRAME % (head.encode("ascii"), _quoted(text), _quoted(message.html.render(values))),
        cause=about.cause,
        serial=about.serial,
        automatic=about.automatic,
        state=about.state,
    )


def _subject(message: _Prepared, values: fields.Values, reply: Reply, about: About, context: Context) -> str:
    """Our own words, after the reference (E206)."""
    words = message.subject.render(fields.subject_values(values, reply, about, context.case))
    subject = headers.clean(f"[{about.ref}] {words}")
    return subject if len(subject) <= SUBJECT_LIMIT else subject[: SUBJECT_LIMIT - 1].rstrip() + "…"


def _marking(about: About, context: Context) -> str:
    """The marking of the ticket, else the lowest the service has."""
    return headers.clean(about.marking) or next(iter(context.config.service.markings), "")


def _base(about: About, context: Context) -> str:
    return headers.clean(context.config.service.send_from or about.mailbox)


def _display(about: About, context: Context) -> str:
    """Who a mail is from, for people: the region's name, else the team's, else the mailbox."""
    region = headers.clean(context.config.service.region)
    return f"{region} tickets" if region else headers.clean(about.team) or _base(about, context)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


_FRAME = (
    b"%b\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="=_mailgate"\r\n\r\n'
    b"--=_mailgate\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
    b"--=_mailgate\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
    b"--=_mailgate--\r\n"
)
"""Quoted-printable writes "=" as "=3D", so that the boundary never occurs in a part."""


def _head(reply: Reply, about: About, context: Context, subject: str, message_id: str) -> Iterator[str]:
    """The fields of E139, in order, each already safe and folded."""
    base = _base(about, context)
    display = headers.display_name(_display(about, context))
    yield headers.mailbox("From", display, base)
    yield f"To: <{reply.to}>"
    yield headers.mailbox("Reply-To", display, about.reply_to)
    yield headers.unstructured("Subject", subject)
    yield f"Date: {format_datetime(about.at)}"
    yield f"Message-ID: {message_id}"
    if headers.is_message_id(about.answers):
        yield headers.id_list("In-Reply-To", [about.answers])
    if ids := headers.references(about.answers, about.references):
        yield headers.id_list("References", ids)
    if about.automatic:
        yield f"Auto-Submitted: {'auto-generated' if reply.message in NOTIFICATIONS else 'auto-replied'}"
    # Not "All": that would suppress bounces too.
    yield f"X-Auto-Response-Suppress: DR, RN, NRN{', OOF, AutoReply' if about.automatic else ''}"
    yield f"X-Mailgate-Loop: {context.loop_id}"
    yield f"X-Mailgate-Id: {about.ref}.{about.serial}"
    yield "Content-Language: en-GB"


def _quoted(text: str) -> bytes:
    """*text* as quoted-printable UTF-8, CRLF, no line longer than 76."""
    return binascii.b2a_qp(text.replace("\n", "\r\n").encode(), istext=True)
