"""What each mail that a decision sends is about: its ticket in the words of the configuration."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from mailgate.errors import Refused
from mailgate.model.config import Config, Mode
from mailgate.model.decision import Decision, Reply
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft, Ticket
from mailgate.notify.alerts import outgoing
from mailgate.notify.compose import About, Context, File
from mailgate.notify.fields import TO_TEAM
from mailgate.notify.labels import mail_label, team_label
from mailgate.tickets.answer import QUESTION
from mailgate.tickets.marked import highest

RELAYED = "answer"  # a person's words, which nobody takes for those of a machine
WRITTEN = frozenset({RELAYED, QUESTION})


def composed(
    decision: Decision,
    reading: Reading,
    references: Sequence[str],
    context: Context,
    cause: str,
    now: datetime,
    files: Callable[[Reply], Sequence[File]] = lambda _: (),
) -> list[tuple[Reply, Outbound]]:
    """The mails that *decision* sends, with the *files* of each.

    A reply to an address that no mail can be written to is left out.
    """
    sent: list[tuple[Reply, Outbound]] = []
    for reply, about in abouts(decision, reading, references, context.config, cause, now):
        with suppress(Refused):
            sent += ((reply, mail) for mail in outgoing(reply, about, context, files(reply)))
    return sent


def abouts(
    decision: Decision, reading: Reading, references: Sequence[str], config: Config, cause: str, now: datetime
) -> Iterator[tuple[Reply, About]]:
    """Each reply of *decision* with what it is about; *references* are those of its new tickets, in order."""
    serials: dict[str, int] = {}
    for reply in decision.replies:
        found = None if reply.listing is not None else _case(decision, reply, references)
        if found is None:
            yield reply, _about_nothing(reply, reading, config, cause, now)
        else:
            case, ref, last_serial = found
            serials[ref] = serials.get(ref, last_serial) + 1
            taken = decision.opens.takes_along if decision.opens and isinstance(case, Draft) else None
            known = taken.reading if taken and reply.to == taken.reading.sender != reading.sender else reading
            yield reply, _about(case, ref, serials[ref], reply, known, config, cause, now)


def _case(decision: Decision, reply: Reply, references: Sequence[str]) -> tuple[Draft | Ticket, str, int] | None:
    """What *reply* is about, its reference, and the number of the last mail about it."""
    if reply.ticket is not None:
        return reply.ticket, reply.ticket.ref, reply.ticket.last_serial
    if decision.drafts:
        return decision.drafts[reply.draft], references[reply.draft], 0
    ticket = decision.ticket
    if ticket is None:
        return None
    after = next((change.after for change in decision.changes if change.ticket.id == ticket.id), ticket)
    return after, ticket.ref, ticket.last_serial


def _about(
    case: Draft | Ticket,
    ref: str,
    serial: int,
    reply: Reply,
    reading: Reading,
    config: Config,
    cause: str,
    now: datetime,
) -> About:
    answers, references = _answered(case, reply, reading)
    return About(
        ref=ref,
        serial=serial,
        mailbox=case.mailbox,
        at=now,
        received_at=case.received_at,
        cause=cause,
        due_at=case.due_at,
        task=mail_label(config, case.task),
        key=case.keys[0] if case.keys else "",
        team=team_label(config, case.team),
        marking=highest(config, case.marking, reading.message.marking) if reply.message in WRITTEN else case.marking,
        restricted=bool(case.show_to),
        missing=tuple(config.asks(name) for name in case.missing),
        answers=answers,
        references=references,
        to_team=reply.message in TO_TEAM,
        automatic=reply.message != RELAYED,
        state=_state(case.mailbox, reading, config),
    )


def _about_nothing(reply: Reply, reading: Reading, config: Config, cause: str, now: datetime) -> About:
    """A list is about no ticket in particular, nor is the answer to what somebody wrote about one."""
    mailbox = reading.mailbox or next(iter(config.service.mailboxes))
    return About(
        ref="",
        serial=0,
        mailbox=mailbox,
        at=now,
        received_at=now,
        cause=cause,
        answers=reading.message.message_id,
        references=reading.message.references,
        to_team=reply.message in TO_TEAM,
        state=_state(mailbox, reading, config),
    )


def _answered(case: Draft | Ticket, reply: Reply, reading: Reading) -> tuple[str, tuple[str, ...]]:
    """A mail that the reader of *reply* knows, so that it joins their thread: their own, or the ticket's first."""
    if reply.to == reading.sender:
        return reading.message.message_id, reading.message.references
    return (case.opening_id if isinstance(case, Ticket) else ""), ()


def _state(mailbox: str, reading: Reading, config: Config) -> SendState:
    found = config.service.mailboxes.get(mailbox)
    is_observed = reading.envelope.silent or (found is not None and found.mode is not Mode.LIVE)
    return SendState.OBSERVED if is_observed else SendState.READY
