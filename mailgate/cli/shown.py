"""Values as the JSON objects that the command line prints."""

from typing import Any

from mailgate.model.message import Kind, Message

# Neither people nor bounces: nothing may answer these.
_MACHINE_KINDS = frozenset({Kind.AUTO_REPLY, Kind.DSN_OK, Kind.MDN, Kind.ARF, Kind.OWN_LOOP, Kind.PLACEHOLDER})


def message_as_json(message: Message) -> dict[str, Any]:
    """One mail as the gateway reads it: what ``mailgate parse --json`` prints."""
    sender = message.from_
    shown: dict[str, Any] = {
        "subject": message.subject,
        "from": {"name": sender.name, "address": sender.address} if sender else None,
        "to": [address.address for address in message.to],
        "cc": [address.address for address in message.cc],
        "message_id": message.message_id,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "date": message.date.isoformat() if message.date else None,
        "text": message.text,
        "reply_text": message.reply_text,
        "quoted": message.quoted,
        "signature": message.signature,
        "layer": message.layer,
        "confidence": message.confidence,
        "spans": [{"start": span.start, "end": span.end, "fate": span.fate.value} for span in message.spans],
        "is_forward": message.is_forward,
        "is_auto_reply": message.kind in _MACHINE_KINDS,
        "is_bounce": message.is_bounce,
        "kind": message.kind.value,
        "kind_why": message.kind_why,
        "marking": message.marking,
        "away_until": message.away_until.isoformat() if message.away_until else None,
        "bounce_recipients": list(message.bounce_recipients),
        "returned_ids": list(message.returned_ids),
        "returned_to": list(message.returned_to),
        "attachments": [
            {
                "filename": file.filename,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
                "inline": file.inline,
            }
            for file in message.attachments
        ],
        "defects": list(message.defects),
    }
    if message.text_from_html:
        shown["text_from_html"] = message.text_from_html
    return shown
