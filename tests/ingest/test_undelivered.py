"""Bounces in forms of their own (E93's table, E94): each with variants, and what people write about bounces."""

import pytest

from mailgate.ingest.parse import parse
from mailgate.model.message import Kind, Message

FIELDS = "Final-Recipient: rfc822; gone@x.example\n> Action: failed\n> Status: 5.1.1"


def mail(subject: str, text: str, sender: str = "ann@council.example", **headers: str) -> Message:
    head = {
        "From": sender,
        "Subject": subject,
        "Message-ID": "<1@x.example>",
        "Date": "Sat, 21 Nov 2026 10:15:00 +0000",
    }
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**head, **headers}.items()]
    return parse("\r\n".join([*lines, "", text]).encode())


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("RE: Form B12 : non remis (delivery failed)", "****\nYour message could not be delivered to\ngone@x.example"),
        ("Undeliverable: Form B12", "Your e-mail to gone@x.example was not delivered."),
        ("Mail delivery failed", "Ihre Nachricht an gone@x.example konnte nicht zugestellt werden."),
    ],
)
def test_a_mail_that_says_your_message_was_not_delivered_is_a_bounce(subject: str, text: str) -> None:
    assert mail(subject, text, "gateway@x.example").kind is Kind.DSN_FAILED


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("RE: Undeliverable: Form B12", "My message was not delivered, can you look?"),
        ("FW: Undeliverable: Form B12", "Your message could not be delivered, it says. Why?"),
        ("Form B12", "Your message could not be delivered because I was away."),
        ("Letter returned to sender", "The letter to Mr Smith came back."),
    ],
)
def test_E3_people_who_write_about_failed_deliveries_are_people(subject: str, text: str) -> None:
    assert mail(subject, text).kind is Kind.HUMAN


def test_a_delivery_report_forwarded_without_a_word_is_a_bounce() -> None:
    forwarded = f"{{}}\n\nBegin forwarded message:\n\n> From: MAILER-DAEMON\n>\n> {FIELDS}"
    assert mail("Fwd: Returned mail: see transcript", forwarded.format("FYI")).kind is Kind.DSN_FAILED
    assert mail("WG: Unzustellbar: x", forwarded.format("")).kind is Kind.DSN_FAILED


@pytest.mark.parametrize("cover", ["Why?", "Please send it again by post, thanks"])
def test_E107_a_delivery_report_forwarded_with_a_request_is_a_persons(cover: str) -> None:
    text = f"{cover}\n\nBegin forwarded message:\n\n> From: MAILER-DAEMON\n>\n> {FIELDS}"
    assert mail("Fwd: Returned mail: see transcript", text).kind is Kind.HUMAN


@pytest.mark.parametrize("sender", ["forum-admin@x.example", "majordomo@x.example", "forum-owner@x.example"])
def test_a_list_that_refuses_us_is_a_bounce(sender: str) -> None:
    text = "You are not a member of this mailing list <forum@x.example>."
    assert mail("Your mail to forum", text, sender).kind is Kind.DSN_FAILED
    assert mail("You a@x.example are not member (forum ML)", "x", sender, Mailing_List="x").kind is Kind.DSN_FAILED
    assert mail("Gym", "She is not a member of staff.", "ann@x.example").kind is Kind.HUMAN


@pytest.mark.parametrize(
    ("notification", "kind", "recipients"),
    [
        ('{"notificationType":"Bounce","x":[{"emailAddress":"Gone@x.example"}]}', Kind.DSN_FAILED, ("gone@x.example",)),
        ('{"M":"{\\"notificationType\\" : \\"Bounce\\",\\"emailAddress\\":\\"a@x.example\\"}"}', Kind.DSN_FAILED, None),
        ('{"notificationType":"Complaint","x":[{"emailAddress":"a@x.example"}]}', Kind.ARF, ()),
        ('{"notificationType":"Delivery","x":[{"emailAddress":"a@x.example"}]}', Kind.DSN_OK, ()),
    ],
)
def test_what_amazons_mail_service_notifies_of(
    notification: str, kind: Kind, recipients: tuple[str, ...] | None
) -> None:
    message = mail("AWS Notification Message", notification, "no-reply@sns.x.example", x_amz_sns_message_id="1")
    assert message.kind is kind
    assert message.bounce_recipients == (("a@x.example",) if recipients is None else recipients)
    assert mail("x", notification).kind is not kind


REPORT = (
    "--b\r\n\r\n{text}\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
    "Final-Recipient: rfc822; a@x.example\r\nDisposition: automatic-action/MDN-sent-automatically; deleted\r\n--b--"
)
RECEIPT = {"Content_Type": "multipart/report; report-type=disposition-notification; boundary=b"}


def test_a_mail_that_a_filter_rejected_comes_back_as_a_read_receipt() -> None:
    rejected = REPORT.format(text="Your message to <a@x.example> was automatically rejected: Quota exceeded")
    assert mail("Rejected: Form B12", rejected, **RECEIPT).kind is Kind.DSN_FAILED
    read = REPORT.format(text="Your message was deleted without being read.")
    assert mail("Not read: Form B12", read, **RECEIPT).kind is Kind.MDN


@pytest.mark.parametrize("subject", ["complaint about message from 192.0.2.2", "Abuse complaint from x.example"])
def test_a_complaint_with_the_mail_it_is_about_is_a_feedback_report(subject: str) -> None:
    parts = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b--"
    kind = mail(subject, parts, "staff@x.example", Content_Type="multipart/mixed; boundary=b").kind
    assert kind is Kind.ARF
    assert mail(subject, "My neighbour wrote it.").kind is Kind.HUMAN


QMAIL = (
    "Hi. This is the qmail-send program at x.example.\nI'm afraid I wasn't able to deliver your message to the "
    "following addresses.\nThis is a permanent error; I've given up. Sorry.\n\n<Gone@x.example>:\nno mailbox"
)


def test_E94_flufl_bounce_reads_who_failed_where_there_is_no_report() -> None:
    message = mail("failure notice", QMAIL, "MAILER-DAEMON@x.example")
    assert (message.kind, message.bounce_recipients) == (Kind.DSN_FAILED, ("gone@x.example",))
    assert message.kind_why == "flufl.bounce: failed"


def test_E94_flufl_bounce_is_not_asked_about_peoples_mail() -> None:
    assert mail("RE: help", f"What does this mean?\n\n{QMAIL}").kind is Kind.HUMAN


def test_E141_where_answers_to_the_returned_mail_were_to_go_is_a_fact() -> None:
    parts = (
        "--b\r\n\r\nno\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <rewritten@relay.example>\r\n"
        'Reply-To: "Desk" <helpdesk+7k3f99-4-At2@council.example>\r\n\r\nReply-To: <not@this.example>\r\n--b--'
    )
    kind = {"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"}
    message = mail("Undeliverable: x", parts, "postmaster@x.example", **kind)
    assert message.returned_ids == ("<rewritten@relay.example>",)
    assert message.returned_to == ("helpdesk+7k3f99-4-at2@council.example",)
