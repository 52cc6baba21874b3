"""What each mail that a decision sends is about: its ticket in the words of the configuration."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mailgate.model.config import Config, Mode
from mailgate.model.decision import Decision, NewTicket, Reading, Reply
from mailgate.model.outbound import SendState
from mailgate.model.ticket import Draft, Ticket
from mailgate.notify.compose import About


def abouts(
    decision: Decision, reading: Reading, references: Sequence[str], config: Config, cause: str, now: datetime
) -> Iterator[tuple[Reply, About]]:
    """Each reply of *decision* with what it is about; *references* are those of its new tickets, in order."""
    serials: dict[str, int] = {}
    for reply in decision.replies:
        found = _case(decision, reply, references)
        if found is not None:
            case, ref, last_serial = found
            serials[ref] = serials.get(ref, last_serial) + 1
            yield reply, _about(case, ref, serials[ref], reading, config, cause, now)


def _case(decision: Decision, reply: Reply, references: Sequence[str]) -> tuple[Draft | Ticket, str, int] | None:
    """What *reply* is about, its reference, and the number of the last mail about it."""
    if isinstance(decision.outcome, NewTicket):
        return decision.outcome.drafts[reply.draft], references[reply.draft], 0
    ticket = decision.ticket
    return (ticket, ticket.ref, ticket.last_serial) if ticket else None


def _about(
    case: Draft | Ticket, ref: str, serial: int, reading: Reading, config: Config, cause: str, now: datetime
) -> About:
    service, message = config.service, reading.message
    team = service.teams.get(case.team or "")
    return About(
        ref=ref,
        serial=serial,
        mailbox=case.mailbox,
        at=now,
        received_at=case.received_at,
        cause=cause,
        due_at=case.due_at,
        task=(config.task(case.task)[1].label or case.task) if case.task else "",
        key=case.keys[0] if case.keys else "",
        team=(team.label if team else None) or case.team or "",
        marking=case.marking,
        missing=tuple(service.information[name].ask for name in case.missing if name in service.information),
        answers=message.message_id,
        references=message.references,
        state=_state(case.mailbox, reading, config),
    )


def _state(mailbox: str, reading: Reading, config: Config) -> SendState:
    found = config.service.mailboxes.get(mailbox)
    is_observed = reading.envelope.silent or (found is not None and found.mode is not Mode.LIVE)
    return SendState.OBSERVED if is_observed else SendState.READY
