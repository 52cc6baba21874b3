"""What we send, read back as a mail program would read it."""

import email
from dataclasses import replace
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.errors import MailgateError, Refused
from mailgate.model.config import Config, Mailbox, Service
from mailgate.model.decision import Reply
from mailgate.model.facts import Listed, Listing
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.sending import Audience
from mailgate.model.ticket import Status, Ticket, WaitingFor
from mailgate.model.work import Identifier
from mailgate.notify.compose import MARKER, NOTIFICATIONS, About, Context, Source, check_template, compose, prepare
from mailgate.notify.fields import LAYOUT, OWN, SUMMARIES, TO_TEAM
from mailgate.notify.files import read_templates
from mailgate.notify.headers import clean
from mailgate.notify.samples import sample
from mailgate.tickets.token import Keys, check, tokens_in

ROOT = Path(__file__).parent.parent.parent
MESSAGES = sorted(OWN.keys() - {LAYOUT})
LEVEL = {"level": "red (North)", "review_on": "2027-01-25"}
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
OUTLOOK_ID = "<LO2P265MB4141B6F2D9A70E1C4A5B9D0E8FA1A@LO2P265MB4141.GBRP265.PROD.OUTLOOK.COM>"
FIELDS = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"),
    *("X-Auto-Response-Suppress", "X-Mailgate-Loop", "X-Mailgate-Id", "Content-Language", "MIME-Version"),
    "Content-Type",
]


KEYS = Keys("a", {"a": b"k" * 32})


def make_config(**changes: object) -> Config:
    service = {
        "region": "Eastmere Council",
        "send_from": "tickets@desk.council.example",
        "domains": ["council.example"],
        "markings": ["OFFICIAL", "OFFICIAL-SENSITIVE"],
        "identifiers": {"asset-tag": Identifier(label="Asset tag", pattern="A[0-9]{6}", key=True)},
        "mailboxes": {"helpdesk@council.example": Mailbox(team="service-desk")},
    }
    return Config(version="1", service=Service.model_validate(service | changes))


def make_context(config: Config | None = None, **templates: str) -> Context:
    config = config or make_config()
    sources = read_templates(config, [ROOT / "mailgate"])
    sources |= {name: Source(f"templates/{name}.md", text) for name, text in templates.items()}
    return prepare(config, KEYS, "council-prod", sources)


def make_about(**changes: object) -> About:
    usual = {
        "ref": "MG-7K3F-99",
        "serial": 4,
        "mailbox": "helpdesk@council.example",
        "at": NOW,
        "received_at": NOW,
        "cause": "<CAF00d@mail.example>",
        "due_at": datetime(2027, 1, 14, 17, 0, tzinfo=UTC),
        "task": "New laptop",
        "key": "A123456",
        "team": "Service desk",
        "missing": ("the asset tag (for example A123456)", "when you need it by"),
        "answers": "<CAF00d@mail.example>",
        "references": ("<root@mail.example>",),
    }
    return About(**(usual | changes))  # type: ignore[arg-type]


CONTEXT = make_context()


WORK = {
    "asked_by": "ann.other@council.example",
    "words": "The screen is <b>broken</b>.\nPlease repair it.",
    "facts": "room: 12",
    "guidance": "Look whether it is under warranty.\nTell the requester when.",
}


TICKET = Ticket(
    id=1,
    ref="MG-7K3F-99",
    mailbox="helpdesk@council.example",
    status=Status.OPEN,
    requester="ann.other@council.example",
    received_at=NOW,
    due_at=datetime(2027, 1, 14, 17, 0, tzinfo=UTC),
    assignee="jo@council.example",
    keys=("A123456",),
)
WAITS = replace(
    TICKET, ref="MG-G6C4-XM", status=Status.WAITING, waiting_for=WaitingFor.REQUESTER, assignee=None, keys=()
)
LISTING = Listing((Listed(TICKET, 3), Listed(replace(WAITS, due_at=None))), 4)


COMMISSIONS = {
    "commission",
    "commission_reminder",
    "commission_changed",
    "return_taken",
    "compiled",
    "commission_return",
}


def send(message: str = "received", context: Context = CONTEXT, *, internal: bool = True, **about: object) -> Outbound:
    told = {
        "status": {"status": "open"},
        **dict.fromkeys(("paused", "declined"), LEVEL),
        **dict.fromkeys(
            ("proposed", "confirmed", "review"), LEVEL | {"why": "two are away", "orders": "#level North red"}
        ),
        "alert": {"alert": "Mail on one side only", "detail": "2 mails."},
        "assigned": WORK,
        "new": WORK,
        "news": {"words": "The police have answered.\nAll is well."},
        "answer": {"written": "Which room is it?\n\nDev"},
        "changed": {"did": "move: network"},
        "refused": {"why": 'it says "done" and "take", which are two commands'},
        "confirm": {"why": "they are OFFICIAL-SENSITIVE, and would leave our organisation"},
        "absence": {"who": "cleo@council.example", "until": "2027-01-25", "handed": "2"},
        "worklist": {"whose": "Your"},
        "gathered": {"references": "MG-7K3F-99 MG-2346-7T"},
    }
    made_up, _ = sample(message, Audience.TEAM, context.config)
    fields = made_up.fields if message in SUMMARIES | COMMISSIONS else told.get(message, {"waiting_for": "third party"})
    about = {"to_team": message in TO_TEAM} | about
    listing = LISTING if message in ("worklist", "open_requests", "found") else None
    reply = Reply(message, "jo@council.example", internal, fields=fields, listing=listing, lists=made_up.lists)
    return compose(reply, make_about(**about), context)


def read(sent: Outbound) -> EmailMessage:
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(sent: Outbound, kind: str) -> str:
    body = read(sent).get_body((kind,))
    assert body is not None
    return body.get_content().replace("\r\n", "\n")


# ------------------------------------------------------------------ the whole mail


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_reads_as_its_golden_text(message: str, request: pytest.FixtureRequest) -> None:
    sent = send(message)
    shown = f"Subject: {sent.subject}\n\n{part(sent, 'plain')}"
    golden = Path(__file__).parent / "messages" / f"{message}.txt"
    if request.config.getoption("--golden", default=False):
        golden.write_text(shown, "utf-8")
    assert shown == golden.read_text("utf-8")


@pytest.mark.parametrize("message", MESSAGES)
def test_E139_the_fields_are_these_in_this_order(message: str) -> None:
    mail = read(send(message))
    assert mail.keys() == FIELDS
    assert not mail.defects
    assert all(not leaf.defects for leaf in mail.walk())
    assert [leaf.get_content_type() for leaf in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_E139_an_acknowledgement_says_whose_it_is_and_that_a_machine_wrote_it() -> None:
    sent = send()
    mail = read(sent)
    assert mail["From"] == "Eastmere Council tickets <tickets@desk.council.example>"
    assert mail["Subject"] == "[MG-7K3F-99] We have received your request"
    assert mail["Date"] == "Sat, 21 Nov 2026 10:15:00 +0000"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert (mail["X-Mailgate-Loop"], mail["X-Mailgate-Id"]) == ("council-prod", "MG-7K3F-99.4")
    assert mail["Content-Language"] == "en-GB"
    assert (sent.sender, sent.recipient, sent.cause, sent.serial) == (
        "",
        "jo@council.example",
        "<CAF00d@mail.example>",
        4,
    )


def test_RFC3834_answers_have_the_null_sender_and_notifications_that_of_the_mailbox() -> None:
    for message in MESSAGES:
        sent = send(message)
        is_notification = message in NOTIFICATIONS
        assert sent.sender == ("tickets@desk.council.example" if is_notification else "")
        assert read(sent)["Auto-Submitted"] == ("auto-generated" if is_notification else "auto-replied")


def test_what_a_person_wrote_is_not_called_automatic() -> None:
    sent = send("done", automatic=False)
    assert read(sent)["Auto-Submitted"] is None
    assert read(sent)["X-Auto-Response-Suppress"] == "DR, RN, NRN"
    assert not sent.automatic


def test_E223_the_token_stands_in_the_reply_address_and_in_the_message_id() -> None:
    sent = send()
    mail = read(sent)
    tokens = tokens_in([mail["Reply-To"].addresses[0].addr_spec], [sent.message_id], "MG")
    assert [(token.ref, token.serial, token.purpose) for token in tokens if check(KEYS, NOW, token)] == [
        ("MG-7K3F-99", 4, "reply"),
        ("MG-7K3F-99", 4, "msgid"),
    ]
    assert mail["Message-ID"] == sent.message_id


@pytest.mark.parametrize(
    ("via", "message", "purposes"),
    [
        ({"via": "smtp://relay:25"}, "received", ["bounce"]),
        ({"via": "smtp://relay:25"}, "done", ["bounce"]),
        ({"via": "smtp://relay:25", "user": "u", "auth": "password", "secret_file": "f"}, "received", []),
        ({"via": "maildir:out"}, "received", []),
    ],
)
def test_E141_an_own_relay_gets_a_return_path_that_names_the_mail(
    via: dict[str, str], message: str, purposes: list[str]
) -> None:
    config = make_config().model_copy(update={"operator": Operator.model_validate({"send": via})})
    sent = compose(Reply(message, "jo@mail.example"), make_about(), make_context(config))
    assert [each.purpose for each in tokens_in([sent.sender], [], "MG") if check(KEYS, NOW, each)] == purposes
    assert bool(sent.sender) == bool(purposes)


def test_without_send_from_the_mailbox_of_the_ticket_answers_in_its_teams_name() -> None:
    context = make_context(make_config(send_from=None, region=""))
    mail = read(send(context=context))
    assert mail["From"] == "Service desk <helpdesk@council.example>"
    assert mail["Reply-To"].addresses[0].addr_spec.startswith("helpdesk+7k3f99-4-a")


def test_an_observed_mailbox_composes_what_is_never_sent() -> None:
    assert send(state=SendState.OBSERVED).state is SendState.OBSERVED


@given(st.text(max_size=300))
def test_E200_lines_are_short_and_values_come_back_as_they_were(label: str) -> None:
    sent = send("more_needed", missing=(label,))
    assert all(len(line) <= 78 for line in sent.content.split(b"\r\n"))
    assert all(len(line) <= 76 for line in sent.content.partition(b"\r\n\r\n")[2].split(b"\r\n"))
    assert b"\n" not in sent.content.replace(b"\r\n", b"")
    assert f"- {clean(label)}".strip() in part(sent, "plain")
    assert f">{escape(clean(label))}</li>".replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in part(sent, "html")


# ------------------------------------------------------------------ threads


def test_E125_references_come_back_byte_by_byte_however_long_they_are() -> None:
    ids = [f"<{'x' * 150}{number}@LO2P265MB4141.GBRP265.PROD.OUTLOOK.COM>" for number in range(5)]
    head = send(answers=OUTLOOK_ID, references=tuple(ids)).content.partition(b"\r\n\r\n")[0]
    assert f"In-Reply-To: {OUTLOOK_ID}\r\n".encode() in head
    assert ("References: " + "\r\n ".join([*ids, OUTLOOK_ID]) + "\r\n").encode() in head
    assert b"=?" not in head


def test_E125_a_long_conversation_keeps_its_root_and_its_newest_ten() -> None:
    ids = tuple(f"<{number}@mail.example>" for number in range(40))
    kept = read(send(answers=ids[-1], references=ids[:-1]))["References"].split()
    assert kept == [ids[0], *ids[-10:]]


def test_a_mail_that_answers_nothing_has_no_thread_fields() -> None:
    mail = read(send("unreadable", answers="", references=()))
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None


# ------------------------------------------------------------------ hostile values

HOSTILE = [
    "A\r\nBcc: eve@evil.example",
    "A\nBcc: eve@evil.example",
    "A\rBcc: eve@evil.example",
    "A\x00\x0b\x0c\x85\u2028Bcc: eve@evil.example",
    "A =?UTF-8?Q?=0ABcc:_eve@evil.example?=",
    '"><script>alert(1)</script>',
    "--=_mailgate\r\nContent-Type: text/html\r\n\r\n<b>",
    "\r\n\r\n.\r\nMAIL FROM:<eve@evil.example>",
    "\ud800\u202eevil",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_S46_no_value_adds_a_field_a_part_or_a_tag(value: str) -> None:
    context = make_context(
        make_config(region=value),
        received="---\nsubject: About {{ task }} {{ key }}\n---\n# {{ task }}\n\n{{ team_name }} {{ asset_tag }}\n",
    )
    sent = send(
        context=context,
        task=value,
        key=value,
        team=value,
        marking=value,
        to_team=True,
        missing=(value,),
        answers=f"<a@b>{value}",
        references=("<root@mail.example>", value, f"<{value}@x>"),
    )
    mail = read(sent)
    assert mail.keys() == [name for name in FIELDS if name != "In-Reply-To"]
    assert [leaf.get_content_type() for leaf in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["References"] == "<root@mail.example>"
    assert "<script>" not in part(sent, "html")
    assert [str(address) for address in mail["To"].addresses] == ["jo@council.example"]


@pytest.mark.parametrize(
    "address", ["a@b>\r\nBcc: x@y", "a@b.example, c@d.example", "a b@c.example", "", "<a@b.example>", "ü@b.example"]
)
def test_S46_an_address_that_cannot_be_written_gets_no_mail(address: str) -> None:
    with pytest.raises(Refused, match="address"):
        compose(Reply("received", address), make_about(), CONTEXT)


@pytest.mark.parametrize("value", ["{{7*7}}", "{% for x in y %}", "((x))", "${HOME}", "%s %(x)s", "# a", "[a](b)"])
def test_S47_braces_in_a_value_are_text(value: str) -> None:
    sent = send("more_needed", task=value, missing=(value,))
    assert f"- Task: {value}\n" in part(sent, "plain")
    assert f">{value}</li>" in part(sent, "html")


# ------------------------------------------------------------------ who may see what


@pytest.mark.parametrize("message", MESSAGES)
def test_readers_outside_see_neither_key_nor_task(message: str) -> None:
    sent = send(message, internal=False, key="A999999", task="Canary task", to_team=True)
    for text in (part(sent, "plain"), part(sent, "html"), sent.subject, sent.content.decode("ascii")):
        assert "A999999" not in text
        assert "Canary" not in text
        assert message == "review" or "MG-7K3F-99" in text  # a review is about no ticket


ASKS_FOR_ALL = (
    "---\nsubject: S{{ key }}{{ asset_tag }}\n---\n# H{{ key }}{{ asset_tag }}\n\nL{{ key_label }} T{{ task }}\n"
)


def test_a_template_that_asks_for_the_key_shows_nothing_to_readers_outside() -> None:
    sent = send(context=make_context(received=ASKS_FOR_ALL), internal=False, to_team=True)
    assert sent.subject == "[MG-7K3F-99] S"
    assert part(sent, "plain").endswith("H\n\nL T\n")


@pytest.mark.parametrize(("to_team", "subject"), [(True, "[MG-7K3F-99] SA123456A123456"), (False, "[MG-7K3F-99] S")])
def test_the_key_stands_in_a_subject_for_the_owning_team_alone(to_team: bool, subject: str) -> None:
    sent = send(context=make_context(received=ASKS_FOR_ALL), to_team=to_team)
    assert sent.subject == subject
    assert "HA123456A123456" in part(sent, "plain")


def test_only_our_own_words_of_a_reply_are_shown() -> None:
    with pytest.raises(ValueError, match="Canary"):
        compose(Reply("on_hold", "jo@council.example", fields={"waiting_for": "Canary"}), make_about(), CONTEXT)
    sent = compose(Reply("received", "jo@council.example", fields={"note": "Canary"}), make_about(), CONTEXT)
    assert b"Canary" not in sent.content


def test_E208_the_marking_of_the_ticket_stands_at_the_top_else_the_lowest_one() -> None:
    assert part(send(), "plain").splitlines()[:3] == [MARKER, "", "OFFICIAL"]
    text = part(send(marking="OFFICIAL-SENSITIVE [PERSONAL]"), "plain")
    assert text.splitlines()[2] == "OFFICIAL-SENSITIVE [PERSONAL]"
    unmarked = part(send(context=make_context(make_config(markings=[]))), "plain")
    assert unmarked.splitlines()[2] == "We have received your request"


# ------------------------------------------------------------------ wording


def test_a_late_request_is_not_promised_for_the_past() -> None:
    late = {"due_at": datetime(2026, 11, 20, 17, tzinfo=UTC)}
    assert "We aimed to reply by 20 November 2026 at 5pm, and we are late." in part(send("status", **late), "plain")
    assert "aim to reply" not in part(send("follow_up", **late), "plain")


def test_dates_of_a_reply_are_written_out() -> None:
    reply = Reply("on_hold", "jo@council.example", fields={"until": date(2026, 12, 1).isoformat()})
    assert "again by 1 December 2026." in part(compose(reply, make_about(), CONTEXT), "plain")


def test_E206_a_subject_is_cut_at_120_characters() -> None:
    context = make_context(received="---\nsubject: About {{ task }}\n---\n# A\n")
    sent = send(context=context, task="ä" * 300)
    assert len(sent.subject) == 120
    assert read(sent)["Subject"] == sent.subject


# ------------------------------------------------------------------ templates


def test_an_unknown_field_is_named_with_its_file_line_and_nearest_name() -> None:
    text = "---\nsubject: Hello\n---\n# Hello\n\nYour number is {{ refrence }}.\n"
    with pytest.raises(
        MailgateError, match=r'^templates/received.md:6  unknown field "refrence"; nearest is "reference"$'
    ):
        make_context(received=text)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# No subject", 1, "begins with"),
        ("---\nsubject: {{ missing }}\n---\n# A\n", 2, 'unknown field "missing"'),
        ("---\nsubject: A\n---\n# A\n\n{{ key.__class__ }}\n", 6, "nothing else"),
        ("---\nsubject: A\n---\n# A\n\n{{ key|safe }}\n", 6, "nothing else"),
        ("---\nsubject: A\n---\n# A\n\n{% include 'x' %}\n", 6, "nothing else"),
        ("---\nsubject: A\n---\n# A\n\n{% autoescape false %}{{ key }}{% endautoescape %}\n", 6, "nothing else"),
        ("---\nsubject: A\n---\n# A\n\n{{ 9 ** 9 ** 9 }}\n", 6, "nothing else"),
        ("---\nsubject: A\n---\n# A\n\n{% if key %}\n", 6, "endif"),
        ("---\nsubject: A\n---\n# A\n\n[x](javascript:alert)\n", 6, "https://"),
        ("---\nsubject: A\n---\nNo heading\n", 4, "main heading"),
    ],
)
def test_what_a_template_cannot_do_is_said_with_its_line(text: str, line: int, words: str) -> None:
    found = check_template("received", text)
    assert any(mistake.line == line and words in mistake.text for mistake in found), found


def test_a_layout_needs_a_place_for_the_content() -> None:
    assert [mistake.text for mistake in check_template(LAYOUT, "<html></html>")] == [
        "the layout has no <!-- content -->"
    ]


def test_a_folder_of_the_configuration_goes_before_the_templates_that_ship(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "received.md").write_text("---\nsubject: Ours\n---\n# Ours\n")
    sources = read_templates(make_config(), [tmp_path, ROOT / "mailgate"])
    assert sources["received"].text.startswith("---\nsubject: Ours")
    assert sources["done"].file.endswith("mailgate/templates/done.md")


def test_a_template_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(MailgateError, match=r'There is no template "templates/'):
        read_templates(make_config(), [tmp_path])
