"""What goes by GOV.UK Notify beside or instead of a mail: which message, to whom, with which values.

The values are ours: a reference, a date, a name of the configuration, never what somebody wrote in a mail. What
Notify would still make a link of is taken out of them (R22).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.outbound import Outbound, Way
from mailgate.notify.compose import Context, compose
from mailgate.notify.dates import in_words
from mailgate.notify.fields import About
from mailgate.notify.headers import clean
from mailgate.notify.privacy import assignee_seen, sees_task
from mailgate.notify.texts import TEXTS, key_of

NOBODY, UNKNOWN, HIDDEN = "nobody yet", "not known", "not shown here"
_LINKS = re.compile(r"[\[\]()<>]|(?<=:)/(?=/)")


def outgoing(reply: Reply, about: About, context: Context) -> Iterator[Outbound]:
    """Everything that says *reply*: our own mail, and what ``alerts`` of the configuration sends by Notify.

    Where nothing goes by Notify the mail goes in any case: somebody has to be told. Raises Refused as ``compose`` does.
    """
    alerts = list(_alerts(reply, about, context))
    ways = ways_of(reply.message, context.config)
    if reply.message in context.messages and (Way.MAIL in ways or not alerts):
        yield compose(reply, about, context)
    yield from alerts


def ways_of(message: str, config: Config) -> tuple[Way, ...]:
    """How *message* is told, as ``alerts.tell`` says; what stands there with no name is mail alone."""
    return getattr(config.service.alerts.tell, message, (Way.MAIL,))


def template_of(message: str, way: Way, config: Config) -> str | None:
    """The id of its template at Notify; None where that way is not in use."""
    is_ready = config.operator.notify.is_set and way is not Way.MAIL
    return getattr(config.service.alerts.templates, key_of(message, way), None) if is_ready else None


def _alerts(reply: Reply, about: About, context: Context) -> Iterator[Outbound]:
    for way in ways_of(reply.message, context.config):
        to = context.config.service.alerts.texts_to.get(reply.to) if way is Way.TEXT else reply.to
        if to and template_of(reply.message, way, context.config):
            yield _alert(reply, to, way, about, context)


def _alert(reply: Reply, to: str, way: Way, about: About, context: Context) -> Outbound:
    key = key_of(reply.message, way)
    values = values_of(key, reply, about, context)
    cause = f"{about.cause} by {way}"
    named = sha256("\0".join((about.ref, key, to, cause)).encode()).hexdigest()[:24]
    subject = re.sub(r"\(\((\w+)\)\)", lambda field: values[field[1]], TEXTS[key].subject) or TEXTS[key].title
    return Outbound(
        message=key,
        recipient=to,
        sender="",
        subject=subject,
        message_id=f"<{key}.{named}@{way}>",
        content=json.dumps(values, ensure_ascii=False).encode(),
        cause=cause,
        serial=0,
        state=about.state,
        way=way,
    )


def values_of(key: str, reply: Reply, about: About, context: Context) -> dict[str, str]:
    """The value of every field of the template *key*."""
    return {name: _VALUES[name](reply, about, context) for name in TEXTS[key].fields}


def plain(value: str) -> str:
    """*value* on one line, without what Notify would make a link of."""
    return " ".join(_LINKS.sub(" ", clean(value)).split())


def _when(at: datetime | None, context: Context, otherwise: str = UNKNOWN) -> str:
    return in_words(at, context.zone) if at else otherwise


def _date(reply: Reply, name: str, context: Context) -> datetime | None:
    said = reply.fields.get(name, "")
    return datetime.fromisoformat(said) if said else None


def _span(length: timedelta) -> str:
    """ "2 days 3 hours", "45 minutes": the two largest units."""
    minutes = max(0, round(length.total_seconds() / 60))
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    words = [f"{number} {unit}{'s' * (number != 1)}" for number, unit in parts if number]
    return " ".join(words[:2]) or "0 minutes"


def _left(reply: Reply, about: About, context: Context) -> str:
    return _span(about.due_at - about.at) if about.due_at else UNKNOWN


def _over(reply: Reply, about: About, context: Context) -> str:
    return _span(about.at - about.due_at) if about.due_at else UNKNOWN


def _question(reply: Reply, about: About, context: Context) -> str:
    return "Please tell us " + "; ".join(plain(sentence) for sentence in about.missing) + "."


def _assignee(reply: Reply, about: About, context: Context) -> str:
    assignee = plain(reply.fields.get("assignee", ""))
    return (assignee_seen(assignee, reply, about, context.config) or HIDDEN) if assignee else NOBODY


def _said(name: str, otherwise: str = UNKNOWN) -> Callable[[Reply, About, Context], str]:
    return lambda reply, about, context: plain(reply.fields.get(name, "")) or otherwise


_LATER = "a date that we will tell you"

_VALUES: Mapping[str, Callable[[Reply, About, Context], str]] = {
    "reference": lambda reply, about, context: about.ref,
    "team_name": lambda reply, about, context: plain(about.team) or plain(context.config.service.region) or "The team",
    "received_on": lambda reply, about, context: _when(about.received_at, context),
    "received_at": lambda reply, about, context: _when(about.received_at, context),
    "reply_by": lambda reply, about, context: _when(about.due_at, context, _LATER),
    "due_at": lambda reply, about, context: _when(about.due_at, context),
    "completed_on": lambda reply, about, context: _when(_date(reply, "completed_on", context) or about.at, context),
    "reopen_by": lambda reply, about, context: _when(_date(reply, "reopen_by", context), context, _LATER),
    "next_update_by": lambda reply, about, context: _when(_date(reply, "next_update_by", context), context, _LATER),
    "resolution": lambda reply, about, context: "We have done what you asked for.",
    "status": lambda reply, about, context: "in progress",
    "update_text": lambda reply, about, context: "We are sorry that we have not finished by the date we gave you.",
    "question": _question,
    "time_left": _left,
    "overdue_by": _over,
    "task": lambda reply, about, context: (
        (plain(about.task) if sees_task(reply, about, context.config) else "") or "a request"
    ),
    "sla_name": _said("sla_name"),
    "priority": _said("priority"),
    "assignee": _assignee,
    "ticket_url": lambda reply, about, context: reply.fields.get("ticket_url", "") or UNKNOWN,
    "digest_date": lambda reply, about, context: _when(about.at.date(), context),  # type: ignore[arg-type]
    **{
        name: _said(name, "0")
        for name in (
            *("new_count", "completed_count", "open_count", "waiting_count", "at_risk_count", "overdue_count"),
            *("quarantined_count", "failed_alert_count"),
        )
    },
    **{name: _said(name, "None") for name in ("overdue_list", "at_risk_list")},
    "queue_url": lambda reply, about, context: reply.fields.get("queue_url", "") or UNKNOWN,
}
