"""What may be sent, and how it reads (docs/notify.md sections 4 to 6)."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailgate.notify.standin.access import SERVICE, Refusal
from mailgate.notify.texts import LONGEST_TEXT, TEXTS, Text

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[\w-]+\.)+[\w-]+")
_MOBILE = re.compile(r"(?:0|\+?44)7\d{9}")
_FIELD = re.compile(r"\(\(([^()?]+)(?:\?\?([^()]*))?\)\)")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OPTIONS = {
    "email": {"email_reply_to_id", "one_click_unsubscribe_url", "sanitise_content_for"},
    "sms": {"sms_sender_id"},
}
_TO = {"email": "email_address", "sms": "phone_number"}

Said = Mapping[str, Any]
"""The body of a call."""


def template_id(key: str) -> str:
    """The id that the text *key* has here, always the same."""
    return str(uuid.uuid5(uuid.UUID(SERVICE), key))


@dataclass
class Templates:
    """The texts by id. *archived* ones are shown and refused; *team*: whom a team key may send to, None for anybody."""

    texts: dict[str, Text] = field(default_factory=lambda: {template_id(key): text for key, text in TEXTS.items()})
    archived: set[str] = field(default_factory=set)
    team: frozenset[str] | None = None


def checked(channel: str, kind: str, said: Said, templates: Templates) -> tuple[str, Text]:
    """To whom, and which text. Refusal for what Notify would not take."""
    to, template = str(said.get(_TO[channel], "")), str(said.get("template_id", ""))
    known = {_TO[channel], "template_id", "personalisation", "reference"} | _OPTIONS[channel]
    if unknown := sorted(set(said) - known):
        raise _invalid(f"Additional properties are not allowed ({unknown[0]} was unexpected)")
    if channel == "email" and not _EMAIL.fullmatch(to):
        raise _invalid("email_address Not a valid email address")
    if channel == "sms" and not _MOBILE.fullmatch(to.replace(" ", "")):
        raise Refusal(400, "InvalidPhoneError", "Not a UK mobile number")
    if not _UUID.fullmatch(template):
        raise _invalid("template_id is not a valid UUID")
    if len(str(said.get("reference") or "")) > 1000:
        raise _invalid("reference is too long")
    if kind == "team" and templates.team is not None and to not in templates.team:
        raise _bad("Can’t send to this recipient using a team-only API key")
    return to, _text(channel, template, said, templates)


def _text(channel: str, template: str, said: Said, templates: Templates) -> Text:
    if template not in templates.texts:
        raise _bad("Template not found")
    text = templates.texts[template]
    if template in templates.archived:
        raise _bad(f"Template {template} has been deleted")
    if text.kind != channel:
        other = "email" if channel == "email" else "text message"
        raise _bad(f"{text.kind} template is not suitable for {other} notification")
    values = _values(said)
    if missing := [name for name in text.fields if values.get(_plain(name)) is None]:
        raise _bad(f"Missing personalisation: {', '.join(missing)}")
    if any(not isinstance(values.get(name), str) for name in _sanitised(said)):
        raise Refusal(500, "Exception", "Internal server error")
    if channel == "sms" and len(filled(text.body, said)) > LONGEST_TEXT:
        raise _bad("Your message is too long. Text messages cannot be longer than 918")
    return text


def made(channel: str, to: str, text: Text, said: Said, url: str, now: str) -> dict[str, Any]:
    """The message as it is kept, without what is nobody else's business."""
    name = str(uuid.uuid4())
    template = said["template_id"]
    return {
        "id": name,
        "reference": said.get("reference"),
        _TO[channel]: to,
        "type": channel,
        "status": "created",
        "template": {"id": template, "version": 1, "uri": f"{url}/v2/template/{template}"},
        "subject": " ".join(filled(text.subject, said).split()),
        "body": filled(text.body, said),
        "uri": f"{url}/v2/notifications/{name}",
        "created_at": now,
        "sent_at": None,
        "completed_at": None,
    }


def filled(text: str, said: Said) -> str:
    """*text* with its values; of those to be sanitised the marks of markdown are escaped and addresses taken out."""
    values, safe = _values(said), _sanitised(said)

    def value(found: re.Match[str]) -> str:
        name = _plain(found[1])
        given = values.get(name, "")
        if found[2] is not None:
            return found[2] if str(given).lower() in ("yes", "y", "true", "t", "1", "include", "show") else ""
        shown = "\n".join(f"* {each}" for each in given) if isinstance(given, list) else str(given)
        return re.sub(r"([\[\]()#*_^`])", r"\\\1", re.sub(r"https?://\S+", "", shown)) if name in safe else shown

    return _FIELD.sub(value, text)


def _values(said: Said) -> dict[str, Any]:
    return {_plain(name): value for name, value in (said.get("personalisation") or {}).items()}


def _sanitised(said: Said) -> Sequence[str]:
    return [_plain(name) for name in said.get("sanitise_content_for") or ()]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _invalid(message: str) -> Refusal:
    return Refusal(400, "ValidationError", message)


def _bad(message: str) -> Refusal:
    return Refusal(400, "BadRequestError", message)
