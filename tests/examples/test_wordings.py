"""Requests in words that no phrase foresaw: the method reads nearly all of them, and no CRN wrongly."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mailgate.decide import decide
from mailgate.model.config import Config
from mailgate.model.decision import NewTicket
from mailgate.model.facts import Facts
from mailgate.model.message import Address, Envelope, Message
from mailgate.settings import load
from mailgate.understand import read

HERE = Path(__file__).parent
MAILS: list[dict[str, Any]] = YAML(typ="safe").load(HERE / "wordings.yml")
AT = datetime(2026, 12, 2, 9, 30, tzinfo=UTC)
SENDER = "dara.whitlock@justice.example"


def made_of(mail: dict[str, Any], config: Config) -> dict[str, Any]:
    """What the gateway makes of *mail*, in the words of its expectation."""
    message = Message(
        f"<{mail['subject']}@justice.example>",
        subject=mail["subject"],
        from_=Address(SENDER),
        to=(Address(mail["to"]),),
        date=AT,
        reply_text=mail["text"],
    )
    reading = read(message, Envelope(SENDER, (mail["to"],), AT, vouched=True), config)
    outcome = decide(reading, config, Facts(now=AT)).outcome
    if not isinstance(outcome, NewTicket):
        return {"task": str(outcome), "crn": None, "missing": set(), "more": []}
    first, *others = outcome.drafts
    return {
        "task": first.task,
        "crn": first.keys[0] if first.keys else None,
        "missing": set(first.missing),
        "more": [other.task for other in others],
    }


def test_nearly_every_request_is_read_as_a_person_reads_it() -> None:
    config = load([HERE.parent.parent / "config"], {})
    wrong = []
    for mail in MAILS:
        expected = {
            "task": mail["task"],
            "crn": mail["crn"],
            "missing": set(mail.get("missing", ())),
            "more": mail.get("more", []),
        }
        made = made_of(mail, config)
        assert made["crn"] in (expected["crn"], None), mail["subject"]
        if made != expected:
            wrong.append((mail["subject"], made))
    assert len(wrong) <= 0.05 * len(MAILS), wrong
