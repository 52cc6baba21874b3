"""Who may see what in a mail: the table of docs/domain.md section 9, kept field by field.

For what says something about a case the service decides who sees it ("privacy" of the
configuration). Everything else is for everybody: a reference, a date, a word of ours. Names,
other numbers and what somebody wrote have no line, because no field holds them.
"""

from collections.abc import Mapping

from mailgate.model.config import Audience, Config
from mailgate.model.decision import Reply
from mailgate.notify.fields import About, Values

OPEN, TASK, KEY = "open", "task", "key"

LINES: Mapping[str, str] = {
    # the case
    "task": TASK,
    "key": KEY,
    "key_label": KEY,
    # the request, in our own words
    "reference": OPEN,
    "references": OPEN,
    "received_on": OPEN,
    "reply_by": OPEN,
    "late": OPEN,
    "status": OPEN,
    "waiting_for": OPEN,
    "until": OPEN,
    "completed_on": OPEN,
    "reopen_by": OPEN,
    "review_on": OPEN,
    "missing": OPEN,
    "asks": OPEN,
    "done_on": OPEN,
    # who writes to whom, and about the gateway itself
    "team_name": OPEN,
    "mailbox": OPEN,
    "internal": OPEN,
    "promise": OPEN,
    "assignee": OPEN,
    "priority": OPEN,
    "overdue": OPEN,
    "soon": OPEN,
    "alert": OPEN,
    "detail": OPEN,
}
"""The line of the table for each field; a field without one is the case's key under its own name."""


def audience_of(reply: Reply, about: About, config: Config) -> Audience:
    """Who the reader of *reply* is."""
    if reply.internal:
        return Audience.TEAM if about.to_team else Audience.COLLEAGUES
    return Audience.PARTNERS if config.is_partner(reply.to.rpartition("@")[2]) else Audience.PUBLIC


def visible(values: Values, reply: Reply, about: About, config: Config, *, in_subject: bool = False) -> Values:
    """*values* as the reader of *reply* may see them: what is hidden is empty."""
    seen = _lines(reply, about, config, in_subject=in_subject)
    return {name: value if LINES.get(name, KEY) in seen else "" for name, value in values.items()}


def sees_task(reply: Reply, about: About, config: Config) -> bool:
    """Whether the reader of *reply* may see the task, by whatever way it goes."""
    return TASK in _lines(reply, about, config, in_subject=False)


def _lines(reply: Reply, about: About, config: Config, *, in_subject: bool) -> set[str]:
    """The lines that the reader may see: of a restricted ticket all but its own team only what is open."""
    audience, may_see = audience_of(reply, about, config), config.service.privacy.may_see
    seen = {OPEN}
    if audience is Audience.TEAM or not about.restricted:
        if audience in may_see.task:
            seen.add(TASK)
        if audience in may_see.key and (not in_subject or audience in may_see.key_in_subject):
            seen.add(KEY)
    return seen
