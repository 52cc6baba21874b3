"""Bytes to Message: never raises, bounded, what could not be read stands in the defects (E70-E95)."""

import hashlib
from collections.abc import Mapping

from mailgate.ingest import automatic, body, bounce, content
from mailgate.ingest.headers import MAX_SUBJECT, Headers
from mailgate.ingest.html import Rendered
from mailgate.ingest.tree import Part, read_tree
from mailgate.model.config import TextKeys
from mailgate.model.message import Address, Attachment, Kind, Message

MAX_RAW = 40 * 1024**2

# Named in fields of their own, or too long to be worth keeping beside them.
_NOT_KEPT = frozenset(
    {"from", "to", "cc", "bcc", "subject", "references", "in-reply-to", "message-id", "dkim-signature", "arc-seal"}
    | {"arc-message-signature", "arc-authentication-results", "x-microsoft-antispam-message-info", "content-type"}
)
_RECIPIENT_HEADERS = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-forwarded-to",
    "bcc",
    "resent-to",
)


def parse(raw: bytes, text: TextKeys | None = None, markings: tuple[str, ...] = ()) -> Message:
    """The mail in *raw*; *text* and *markings* say what counts for nothing in its words.

    Raises nothing: a mail that breaks the reading itself is a Message with the defect
    "unreadable" and its synthetic id, for a person to look at.
    """
    try:
        return _parse(raw, text or TextKeys(), markings)
    except Exception as error:  # noqa: BLE001 - the door to hostile bytes: keep the mail, tell a person
        return Message(
            _synthetic_id(raw), from_ok=False, confidence="low", defects=("unreadable", type(error).__name__)
        )


def attachment_bytes(raw: bytes, part: int) -> bytes:
    """The decoded bytes of the leaf with the number *part* (``Attachment.part``).

    Raises IndexError where the mail has no such leaf.
    """
    for number, leaf in enumerate(read_tree(raw).root.leaves()):
        if number == part:
            return content.payload(leaf)
    raise IndexError(f"the mail has no part {part}")


def _parse(raw: bytes, keys: TextKeys, markings: tuple[str, ...]) -> Message:
    root, tree_defects = read_tree(raw[:MAX_RAW])
    headers = Headers(root)
    defects = [*tree_defects, *headers.defects, *(["too-large"] if len(raw) > MAX_RAW else [])]
    from_, from_ok = _from(headers, defects)
    date, date_defect = headers.date()
    subject = headers.text("subject", MAX_SUBJECT)
    in_reply_to, references = headers.ids("in-reply-to"), headers.ids("references")
    pieces = content.segments(root)
    read = content.read_body(pieces)
    defects += [defect for defect in (date_defect, *read.defects) if defect]
    source = _source(read, subject, from_, bool(in_reply_to or references))
    parts = body.split(source, keys, markings)
    attachments = content.attachments(root, pieces)
    delivery = bounce.read_report(root, headers)
    kind, why = automatic.kind_of(_seen(root, headers, subject, from_, delivery, read.text))
    ids = headers.ids("message-id")
    if not ids:
        defects.append("no-message-id")
    return Message(
        message_id=ids[0] if ids else _missing_id(from_, str(date), subject, read.text, attachments),
        subject=subject,
        from_=from_,
        from_ok=from_ok,
        sender=_first(headers, "sender"),
        reply_to=headers.addresses("reply-to")[0],
        to=headers.addresses("to")[0],
        cc=headers.addresses("cc")[0],
        delivered_to=_delivered_to(headers),
        in_reply_to=in_reply_to,
        references=references,
        date=date,
        text=read.text,
        text_from_html=read.rendered.text if read.rendered and read.rendered.text != read.text else "",
        struck=read.rendered.struck if read.rendered else (),
        reply_text=parts.reply,
        quoted=parts.quoted,
        signature=parts.signature,
        is_forward=parts.is_forward,
        layer=parts.layer,
        confidence=parts.confidence,
        spans=parts.spans,
        kind=kind,
        kind_why=why,
        marking=parts.marking,
        bounce_recipients=_bounced(kind, delivery),
        returned_ids=delivery.returned_ids,
        attachments=attachments,
        headers=_kept(headers),
        defects=tuple(dict.fromkeys(defects)),
    )


def _source(read: content.Body, subject: str, from_: Address | None, is_answer: bool) -> body.Source:
    """What the reply is looked for in: the HTML, where it was worth reading (E82), else the plain text."""
    name = from_.name if from_ else ""
    rendered = read.rendered or Rendered(read.text)
    return body.Source(rendered.text, subject, name, is_answer, rendered.history_at, read.rendered is not None)


def _from(headers: Headers, defects: list[str]) -> tuple[Address | None, bool]:
    """The first address of From, and whether it is the only one and clear (E77)."""
    found, sure = headers.addresses("from")
    ok = sure and len(found) == 1 and len(headers.raw.get("from", ())) == 1
    if not ok:
        defects.append("ambiguous-from" if found else "no-from")
    return (found[0] if found else None), ok


def _first(headers: Headers, name: str) -> Address | None:
    found = headers.addresses(name)[0]
    return found[0] if found else None


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    found = (address.address for name in _RECIPIENT_HEADERS for address in headers.addresses(name)[0])
    return tuple(dict.fromkeys(found))


def _seen(
    root: Part, headers: Headers, subject: str, from_: Address | None, delivery: bounce.Report, text: str
) -> automatic.Seen:
    report = content.parameter(root, "report-type").lower() if root.declared_type == "multipart/report" else ""
    calendars = (leaf for leaf in root.leaves() if leaf.declared_type == "text/calendar")
    return automatic.Seen(
        headers=headers.decoded,
        subject=subject,
        from_local=from_.address.rpartition("@")[0] if from_ else "",
        report=report,
        delivery=delivery,
        calendar_method=next((content.parameter(leaf, "method").upper() for leaf in calendars), ""),
        text=text,
        null_sender=from_ is None or headers.text("return-path") == "<>",
        returns_mail=any(leaf.declared_type in bounce.RETURNED for leaf in root.leaves()),
    )


def _bounced(kind: Kind, delivery: bounce.Report) -> tuple[str, ...]:
    return delivery.delayed if kind is Kind.DSN_DELAYED else delivery.failed


def _kept(headers: Headers) -> Mapping[str, tuple[str, ...]]:
    return {name: values for name, values in headers.decoded.items() if name not in _NOT_KEPT}


def _missing_id(from_: Address | None, date: str, subject: str, text: str, attachments: tuple[Attachment, ...]) -> str:
    """An id that the same mail gets by every road (E81)."""
    facts = (from_.address if from_ else "", date, subject, text, *(a.sha256 for a in attachments))
    return _synthetic_id("\0".join(facts).encode("utf-8", "replace"))


def _synthetic_id(data: bytes) -> str:
    return f"<{hashlib.sha256(data).hexdigest()[:32]}@missing.mailgate.invalid>"
