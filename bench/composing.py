"""P12: composing an acknowledgement, text and HTML, ready for the wire; CPU time."""

import statistics
import time
from datetime import UTC, datetime, timedelta

from bench.peers import configured
from bench.table import Row
from mailgate.model.decision import Reply
from mailgate.model.outbound import SendState
from mailgate.notify.compose import About, Context, compose, prepare
from mailgate.notify.files import read_templates
from mailgate.settings import template_folders
from mailgate.tickets.token import Keys

ROUNDS, COUNT = 5, 500
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)


def measure() -> list[Row]:
    config = configured()
    sources = read_templates(config, template_folders(config))
    context = prepare(config, Keys("a", {"a": bytes(32)}), "bench", sources)
    milliseconds = statistics.median(_milliseconds(context, turn) for turn in range(ROUNDS))
    compared = f"CPU time; text and HTML, {COUNT} distinct mails"
    return [Row("P12", "acknowledgement composed", f"{milliseconds:.2f} ms", "0.4 ms", "0.15 ms", compared)]


def _milliseconds(context: Context, turn: int) -> float:
    mailbox = next(iter(context.config.service.mailboxes))
    written = [
        (Reply("received", f"person{number}.{turn}@justice.example", internal=True), _about(mailbox, number, turn))
        for number in range(COUNT)
    ]
    begun = time.process_time()
    for reply, about in written:
        compose(reply, about, context)
    return (time.process_time() - begun) / COUNT * 1e3


def _about(mailbox: str, number: int, turn: int) -> About:
    return About(
        ref=f"MG-{number:04d}-{turn:02d}",
        serial=1,
        mailbox=mailbox,
        at=AT,
        received_at=AT - timedelta(seconds=number),
        cause=f"{turn}.{number}",
        due_at=AT + timedelta(days=number % 20),
        task="a request",
        key=f"X{number:06d}",
        team="Team",
        marking="",
        missing=(),
        answers=f"<{turn}.{number}@justice.example>",
        references=(),
        state=SendState.READY,
    )
