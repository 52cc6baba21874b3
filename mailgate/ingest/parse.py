"""Bytes to Message: never raises, bounded, what could not be read stands in the defects (E70-E95)."""

import hashlib
from collections.abc import Mapping

from mailgate.ingest import attached, automatic, body, bounce, content, journalled, undelivered
from mailgate.ingest.absence import away_until
from mailgate.ingest.headers import MAX_SUBJECT, Headers
from mailgate.ingest.html import Rendered
from mailgate.ingest.leaf import parameter, payload
from mailgate.ingest.sealed import opened
from mailgate.ingest.seen import Seen
from mailgate.ingest.tree import Part, read_tree
from mailgate.model.message import Address, Attachment, Kind, Message
from mailgate.model.work import TextKeys

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
    """The decoded bytes of the attachment with the number *part* (``Attachment.part``).

    Raises IndexError where the mail has no such part.
    """
    root = opened(journalled.within(read_tree(raw[:MAX_RAW])).root)
    for number, leaf in enumerate(root.leaves()):
        if number == part:
            return payload(leaf)
    for file, data in attached.unpack(root).files:
        if file.part == part:
            return data
    raise IndexError(f"the mail has no part {part}")


def _parse(raw: bytes, keys: TextKeys, markings: tuple[str, ...]) -> Message:
    outer, tree_defects, went_to = journalled.within(read_tree(raw[:MAX_RAW]))
    headers = Headers(outer)
    defects = [*tree_defects, *headers.defects, *(["too-large"] if len(raw) > MAX_RAW else [])]
    from_, from_ok = _from(headers, defects)
    date, date_defect = headers.date()
    subject = headers.text("subject", MAX_SUBJECT)
    in_reply_to, references = headers.ids("in-reply-to"), headers.ids("references")
    root = opened(outer)
    pieces = content.segments(root)
    unpacked = attached.unpack(root)
    read = content.read_body(pieces)
    if not read.text.strip() and (unpacked.text or unpacked.html):
        read = content.read_packed(unpacked.text, unpacked.html)
    protected = "protected" if attached.is_protected(root) else ""
    defects += [defect for defect in (date_defect, *read.defects, *unpacked.defects, protected) if defect]
    source = _source(read, subject, from_, bool(in_reply_to or references))
    parts = body.split(source, keys, markings)
    attachments = attached.attachments(root, content.leaves(pieces), unpacked)
    seen = _seen(root, headers, subject, from_, read.text, parts.reply, unpacked.message_class, len(raw))
    kind, why = automatic.kind_of(seen)
    away = None
    if kind is Kind.AUTO_REPLY and date:
        away = away_until(subject, parts.reply, headers.text("x-apple-criteria"), date.date())
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
        delivered_to=tuple(dict.fromkeys((*_delivered_to(headers), *went_to))),
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
        away_until=away,
        bounce_recipients=_bounced(kind, seen.delivery),
        bounce_status=_bounce_status(kind, seen.delivery),
        returned_ids=seen.delivery.returned_ids,
        returned_to=seen.delivery.returned_to,
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
    root: Part,
    headers: Headers,
    subject: str,
    from_: Address | None,
    text: str,
    reply: str,
    message_class: str,
    size: int,
) -> Seen:
    report = parameter(root, "report-type").lower() if root.declared_type == "multipart/report" else ""
    calendars = (leaf for leaf in root.leaves() if leaf.declared_type == "text/calendar")
    from_local = from_.address.rpartition("@")[0] if from_ else ""
    delivery = bounce.read_report(root, headers, text)
    if report in ("", "delivery-status") and undelivered.deserves_second_opinion(subject, from_local):
        delivery = bounce.second_opinion(root, delivery, size)
    return Seen(
        headers=headers.decoded,
        subject=subject,
        sender=from_.address if from_ else "",
        from_local=from_local,
        report=report,
        delivery=delivery,
        calendar_method=next((parameter(leaf, "method").upper() for leaf in calendars), ""),
        message_class=message_class,
        text=text,
        reply=reply,
        null_sender=from_ is None or headers.text("return-path") == "<>",
        returns_mail=any(leaf.declared_type in bounce.RETURNED for leaf in root.leaves()),
    )


def _bounced(kind: Kind, delivery: bounce.Report) -> tuple[str, ...]:
    return delivery.delayed if kind is Kind.DSN_DELAYED else delivery.failed


def _bounce_status(kind: Kind, delivery: bounce.Report) -> str:
    """The status of the first recipient that the report is about, such as "5.1.1"."""
    about = _bounced(kind, delivery)[:1]
    return next((each.status for each in delivery.recipients if each.address in about and each.status), "")


def _kept(headers: Headers) -> Mapping[str, tuple[str, ...]]:
    return {name: values for name, values in headers.decoded.items() if name not in _NOT_KEPT}


def _missing_id(from_: Address | None, date: str, subject: str, text: str, attachments: tuple[Attachment, ...]) -> str:
    """An id that the same mail gets by every road (E81)."""
    facts = (from_.address if from_ else "", date, subject, text, *(a.sha256 for a in attachments))
    return _synthetic_id("\0".join(facts).encode("utf-8", "replace"))


def _synthetic_id(data: bytes) -> str:
    return f"<{hashlib.sha256(data).hexdigest()[:32]}@missing.mailgate.invalid>"
