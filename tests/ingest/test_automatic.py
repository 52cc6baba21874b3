import pytest

from mailgate.ingest.automatic import kind_of
from mailgate.ingest.bounce import Action, Recipient, Report
from mailgate.ingest.seen import Seen, is_robot
from mailgate.model.message import Kind


def kind(subject: str = "x", **headers: str) -> Kind:
    return kind_of(Seen({name.replace("_", "-"): (value,) for name, value in headers.items()}, subject))[0]


@pytest.mark.parametrize("value", ["auto-replied", "auto-generated", "Auto-Replied; owner-email=a@b.example"])
def test_E131_auto_submitted_says_so(value: str) -> None:
    assert kind(auto_submitted=value) is Kind.AUTO_REPLY


@pytest.mark.parametrize("value", ["no", "No ;x", ""])
def test_E131_auto_submitted_no_is_a_person(value: str) -> None:
    assert kind(auto_submitted=value) is Kind.HUMAN


@pytest.mark.parametrize(
    "header",
    ["x_autoreply", "x_autorespond", "x_autoreply_from", "x_mail_autoreply", "x_ms_exchange_generated_message_source"],
)
def test_E131_each_machine_header_is_proof(header: str) -> None:
    assert kind(**{header: "yes"}) is Kind.AUTO_REPLY


def test_E131_x_auto_response_suppress_alone_is_no_proof() -> None:
    assert kind(x_auto_response_suppress="All") is Kind.HUMAN
    assert kind(x_auto_response_suppress="All", x_ms_exchange_inbox_rules_loop="a@b.example") is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject", ["Automatic reply: x", "Out of Office", "Abwesenheitsnotiz: x", "Ateb awtomatig: x"]
)
def test_E131_the_subject_of_an_absence_notice(subject: str) -> None:
    assert kind(subject) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "header", ["list_id", "list_post", "list_unsubscribe", "mailing_list", "x_beenthere", "feedback_id"]
)
def test_E132_each_list_header(header: str) -> None:
    assert kind(**{header: "x"}) is Kind.LIST


@pytest.mark.parametrize("value", ["bulk", "List", "junk"])
def test_E132_precedence(value: str) -> None:
    assert kind(precedence=value) is Kind.LIST
    assert kind(precedence="auto_reply") is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("action", "expected"),
    [(Action.FAILED, Kind.DSN_FAILED), (Action.DELAYED, Kind.DSN_DELAYED), (Action.DELIVERED, Kind.DSN_OK)],
)
def test_E93_a_delivery_report_is_of_the_kind_of_its_action(action: Action, expected: Kind) -> None:
    report = Report((Recipient("a@b.example", action),))
    assert kind_of(Seen({}, report="delivery-status", delivery=report))[0] is expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("gov.uk.notify@notifications.service.gov.uk", Kind.AUTO_REPLY),
        ("a.service@notifications.service.gov.uk", Kind.HUMAN),
        ("gov.uk.notify@mail.example", Kind.HUMAN),
    ],
)
def test_what_notify_writes_for_itself_is_automatic(sender: str, expected: Kind) -> None:
    assert kind_of(Seen({}, sender=sender))[0] is expected


def test_E93_other_reports_and_special_mails() -> None:
    assert kind_of(Seen({}, report="disposition-notification"))[0] is Kind.MDN
    assert kind_of(Seen({}, report="feedback-report"))[0] is Kind.ARF
    assert kind_of(Seen({}, calendar_method="REQUEST"))[0] is Kind.CALENDAR
    assert kind(x_ms_journal_report="") is Kind.JOURNAL
    recall = Seen({}, subject="Recall: x", text='Ann would like to recall the message, "x".')
    assert kind_of(recall)[0] is Kind.RECALL


def test_a_bounce_in_a_form_of_its_own_is_known_by_its_sender_and_subject() -> None:
    assert kind_of(Seen({}, "Undelivered Mail Returned to Sender", "mailer-daemon"))[0] is Kind.DSN_FAILED
    assert kind_of(Seen({}, "Delayed Mail (still being retried)", "mailer-daemon"))[0] is Kind.DSN_DELAYED
    assert kind_of(Seen({}, "Undelivered parcel", "ann"))[0] is Kind.HUMAN
    assert kind_of(Seen({}, "FW: Undeliverable: x", "ann", returns_mail=True))[0] is Kind.HUMAN


def test_the_evidence_is_said_in_words() -> None:
    assert kind_of(Seen({"auto-submitted": ("auto-replied",)}))[1] == "header Auto-Submitted: auto-replied"


@pytest.mark.parametrize(
    "local",
    [
        "mailer-daemon",
        "postmaster",
        "no-reply",
        "noreply",
        "do-not-reply",
        "bounces+x",
        "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e",
    ],
)
def test_E133_nobody_reads_answers_there(local: str) -> None:
    assert is_robot(local)
    assert not is_robot("ann.noreply")
