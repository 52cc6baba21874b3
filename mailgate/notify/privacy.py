"""Who may see what in a mail: the table of docs/domain.md section 9, kept field by field.

For what says something about a case the service decides who sees it ("privacy" of the
configuration). What a mail says and who sent it is for the owning team alone, in the mails by
which it gets its work. Who has a request is for colleagues, of a restricted one for its team.
Everything else is for everybody: a reference, a date, a word of ours, what an agent wrote to be sent.
"""

from collections.abc import Mapping
from dataclasses import replace

from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.sending import Audience
from mailgate.notify.fields import BUTTONS, COMMISSIONS, COUNTS, GROUPS, RETURNS, TICKETS, About, Values
from mailgate.notify.fields import LINES as SUMMED

OPEN, TASK, KEY, REQUEST, WORKER = "open", "task", "key", "request", "worker"

LINES: Mapping[str, str] = {
    # the case
    "task": TASK,
    "key": KEY,
    "key_label": KEY,
    "level": TASK,
    "levels": OPEN,
    "seal": OPEN,
    "level_mail": OPEN,
    # what a mail says, for whoever does the work
    "words": REQUEST,
    "doubtful": REQUEST,
    "facts": REQUEST,
    "asked_by": REQUEST,
    "beware": REQUEST,
    "taken_by": REQUEST,
    "who": REQUEST,
    "handed": OPEN,
    # the request, in our own words
    "reference": OPEN,
    "references": OPEN,
    "tickets": OPEN,
    "more": OPEN,
    "whose": OPEN,
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
    # a summary: what a row says of a case was chosen for its reader where it was made (digest.py)
    "day": OPEN,
    **dict.fromkeys((*COUNTS, *SUMMED, *GROUPS), OPEN),
    "done_on": OPEN,
    # a commission: who is asked, and of the whole return what only its approver gets and, then, who asked for it
    "unit": OPEN,
    "nil": OPEN,
    "version": OPEN,
    "outstanding": OPEN,
    "left_out": OPEN,
    RETURNS: OPEN,
    COMMISSIONS: OPEN,
    # what an agent wrote or ordered, and how it is taken back
    "written": OPEN,
    "did": OPEN,
    "why": OPEN,
    "guidance": OPEN,
    **dict.fromkeys(BUTTONS, OPEN),
    # who writes to whom, and about the gateway itself
    "team_name": OPEN,
    "mailbox": OPEN,
    "internal": OPEN,
    "promise": OPEN,
    "assignee": WORKER,
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
    shown = {name: value if LINES.get(name, KEY) in seen else "" for name, value in values.items()}
    listed = values.get(TICKETS)
    if isinstance(listed, list):
        shown[TICKETS] = [visible(each, reply, _of_one(each, about), config, in_subject=in_subject) for each in listed]
    return shown


def _of_one(listed: Values, about: About) -> About:
    """What a mail is about that lists tickets, for one of these."""
    return replace(about, restricted=bool(listed["restricted"]), to_team=about.to_team and bool(listed["own"]))


def assignee_seen(assignee: str, reply: Reply, about: About, config: Config) -> str:
    """*assignee* as the reader of *reply* may see it: "" where it is hidden."""
    return str(visible({"assignee": assignee}, reply, about, config)["assignee"])


def sees_task(reply: Reply, about: About, config: Config) -> bool:
    """Whether the reader of *reply* may see the task, by whatever way it goes."""
    return TASK in _lines(reply, about, config, in_subject=False)


def _lines(reply: Reply, about: About, config: Config, *, in_subject: bool) -> set[str]:
    """The lines that the reader may see: of a restricted ticket all but its own team only what is open."""
    audience, may_see = audience_of(reply, about, config), config.service.privacy.may_see
    seen = {OPEN, REQUEST} if audience is Audience.TEAM and not in_subject else {OPEN}
    if audience is Audience.TEAM or not about.restricted:
        if reply.internal and not in_subject:
            seen.add(WORKER)
        if audience in may_see.task:
            seen.add(TASK)
        if audience in may_see.key and (not in_subject or audience in may_see.key_in_subject):
            seen.add(KEY)
    return seen
