"""The texts that an administrator creates in GOV.UK Notify, word by word (docs/notify.md section 10).

Who changes them there changes what people read; the fields have to stay. Every mail to a requester begins its
subject with the reference, because that is all an answer to it can be matched by.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailgate.model.outbound import Way

LONGEST_TEXT = 918  # GOV.UK Notify refuses a longer text message
FREE_TEXT = frozenset({"update_text", "resolution", "question"})
"""The fields that hold sentences: Notify would make links of them, so it is told to take them as they are (R22)."""

_FIELD = re.compile(r"\(\((\w+)\)\)")


@dataclass(frozen=True, slots=True)
class Text:
    """One template; *kind* is Notify's word for what it is: "email" or "sms"."""

    title: str
    kind: str
    subject: str
    body: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its values, in the order in which they appear."""
        return tuple(dict.fromkeys(_FIELD.findall(f"{self.subject}\n{self.body}")))


def key_of(message: str, way: Way) -> str:
    """The template by which *message* goes out: a text message has one of its own."""
    return f"{message}_text" if way is Way.TEXT else message


TEXTS: Mapping[str, Text] = {
    "received": Text(
        "Request received",
        "email",
        "[((reference))] We have received your request",
        """\
# We have received your request

Your reference number is ((reference)).

We received your request on ((received_on)). We aim to reply by ((reply_by)).

## What happens next

((team_name)) will read your request. We will email you if we need more information.

If you want to add anything, reply to this email. Keep ((reference)) in the subject line so we can match your reply to your request.

If you did not send us a request, you can ignore this email.

((team_name))""",
    ),
    "late": Text(
        "Request updated",
        "email",
        "[((reference))] There is an update on your request",
        """\
# There is an update on your request

Your reference number is ((reference)).

The status of your request is now: ((status)).

## Update from ((team_name))

((update_text))

## What happens next

We aim to update you again by ((next_update_by)).

If you have a question, reply to this email. Keep ((reference)) in the subject line.

((team_name))""",
    ),
    "done": Text(
        "Request completed",
        "email",
        "[((reference))] Your request is complete",
        """\
# Your request is complete

Your reference number is ((reference)).

We completed your request on ((completed_on)).

## What we did

((resolution))

## If you need more help

Reply to this email by ((reopen_by)) and we will reopen your request. Keep ((reference)) in the subject line.

After ((reopen_by)), send us a new request.

((team_name))""",
    ),
    "more_needed": Text(
        "We need more information",
        "email",
        "[((reference))] We need more information from you",
        """\
# We need more information

Your reference number is ((reference)).

We cannot continue with your request until you reply.

## What we need to know

((question))

## What you need to do

Reply to this email. Keep ((reference)) in the subject line.

The time we need is not counted until you reply.

((team_name))""",
    ),
    "duplicate": Text(
        "Duplicate of existing request",
        "email",
        "[((reference))] We already have your request",
        """\
# We already have your request

You sent us a message that matches a request we are already working on.

Your reference number is ((reference)). We have added your message to it.

## What happens next

We will email you about ((reference)). You do not need to send your request again.

If your message was about something different, reply to this email and tell us. We will open a separate request.

((team_name))""",
    ),
    "at_risk": Text(
        "SLA at risk",
        "email",
        "At risk: ((reference)) is due by ((due_at))",
        """\
# A request is close to its deadline

((reference)) is due by ((due_at)). Time left: ((time_left)).

* Target: ((sla_name))
* Priority: ((priority))
* Team: ((team_name))
* Assigned to: ((assignee))
* Received: ((received_at))
* Task: ((task))

## What you need to do

Check that someone is working on this request, or assign it to someone who can.

View the request: ((ticket_url))""",
    ),
    "breached": Text(
        "SLA breached",
        "email",
        "Overdue: ((reference)) missed its deadline",
        """\
# A request has missed its deadline

((reference)) was due by ((due_at)). It is overdue by ((overdue_by)).

* Target: ((sla_name))
* Priority: ((priority))
* Team: ((team_name))
* Assigned to: ((assignee))
* Received: ((received_at))
* Task: ((task))

## What you need to do

1. Make sure someone is working on this request now.
2. Tell the requester when they will get a reply.

View the request: ((ticket_url))""",
    ),
    "digest": Text(
        "Daily digest for managers",
        "email",
        "Daily summary for ((team_name)): ((digest_date))",
        """\
# Daily summary for ((digest_date))

* New requests: ((new_count))
* Completed requests: ((completed_count))
* Open requests: ((open_count))
* Waiting for the requester: ((waiting_count))
* At risk: ((at_risk_count))
* Overdue: ((overdue_count))

## Overdue requests

((overdue_list))

## Requests at risk

((at_risk_list))

## Email problems

* Messages we could not process: ((quarantined_count))
* Alerts we could not send: ((failed_alert_count))

View the queue: ((queue_url))""",
    ),
    "at_risk_text": Text(
        "SLA at risk (text message)",
        "sms",
        "",
        """\
At risk: ((reference)) is due by ((due_at)). Time left: ((time_left)). Assigned to: ((assignee)).""",
    ),
    "breached_text": Text(
        "SLA breached (text message)",
        "sms",
        "",
        """\
Overdue: ((reference)) was due by ((due_at)). Assigned to: ((assignee)). Make sure someone is working on it now.""",
    ),
}
"""By the message of ours that each says; "late" says that a promise to the requester was not kept."""


def mistakes(key: str, found: Mapping[str, object]) -> tuple[str, ...]:
    """What is different in the template *found* at Notify from the text that *key* needs, the gravest first."""
    text, there = TEXTS[key], found.get("personalisation")
    if found.get("type") != text.kind:
        return (f"it is of the type {found.get('type')}, but {text.kind} is needed",)
    named = {_plain(name): name for name in there} if isinstance(there, dict) else {}
    ours = {_plain(name) for name in text.fields}
    unknown = [f"it asks for (({name})), which we do not send" for plain, name in named.items() if plain not in ours]
    missing = [f"it does not use (({name}))" for name in text.fields if _plain(name) not in named]
    is_same = _lines(str(found.get("body", ""))) == _lines(text.body)
    return (*unknown, *missing, *(() if is_same else ("its words are not those that ship",)))


def is_fatal(mistake: str) -> bool:
    """Whether Notify would refuse what we send."""
    return not mistake.startswith(("its words", "it does not use"))


def _plain(name: str) -> str:
    """Notify does not mind capitals, spaces, "_" and "-"."""
    return re.sub(r"[\s_-]", "", name).lower()


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
