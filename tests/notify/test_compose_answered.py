"""Our mail, answered by a person and read by our own reader: exactly the answer comes out (E100)."""

import email
from email import policy
from email.message import EmailMessage

import pytest

from mailgate.ingest.parse import parse
from mailgate.model.decision import Reply
from mailgate.notify.compose import About, compose, prepare
from mailgate.notify.fields import LAYOUT, OWN
from mailgate.notify.files import read_templates
from mailgate.settings import template_folders
from mailgate.tickets.token import Keys
from tests.make import HELPDESK, NOW, make_config

CONFIG = make_config()
CONTEXT = prepare(CONFIG, Keys("a", {"a": b"k" * 32}), "loop", read_templates(CONFIG, template_folders(CONFIG)))
ANSWER = "It is in room 12.\n\nThe tag is A12345."


def sent_parts(message: str) -> tuple[str, str]:
    about = About(
        ref="MG-7K3F-99", serial=1, mailbox=HELPDESK, at=NOW, received_at=NOW, cause="<a@b>", missing=("the room",)
    )
    sent = compose(Reply(message, "ann.other@council.example"), about, CONTEXT)
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (part.get_content() for part in mail.iter_parts())
    return text, html


def answer(body: str, subtype: str) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = "Ann Other <ann.other@council.example>"
    mail["To"] = "tickets@gate.council.example"
    mail["Subject"] = "Re: [MG-7K3F-99] We have received your request"
    mail["Message-ID"] = "<answer@council.example>"
    mail["In-Reply-To"] = "<mg.7k3f99.1.x@gate.council.example>"
    mail.set_content(body, subtype=subtype)
    return mail.as_bytes()


@pytest.mark.parametrize(
    "wrote",
    [
        "On 23/11/2026 10:00, Eastmere tickets wrote:",
        "On Mon, 23 Nov 2026 at 10:00, Eastmere tickets <tickets@gate.council.example>\nwrote:",
    ],
    ids=["Thunderbird", "Gmail"],
)
@pytest.mark.parametrize("message", sorted(OWN.keys() - {LAYOUT}))
def test_a_plain_answer_on_top_is_all_that_counts(message: str, wrote: str) -> None:
    quoted = "".join(f"> {line}\n" for line in sent_parts(message)[0].splitlines())
    read = parse(answer(f"{ANSWER}\n\n{wrote}\n{quoted}", "plain"))
    assert read.reply_text.strip() == ANSWER


@pytest.mark.parametrize("message", sorted(OWN.keys() - {LAYOUT}))
def test_an_html_answer_on_top_is_all_that_counts(message: str) -> None:
    ours = sent_parts(message)[1].partition("<body")[2].partition(">")[2].partition("</body>")[0]
    html = f"<html><body><p>It is in room 12.</p><p>The tag is A12345.</p><hr>{ours}</body></html>"
    assert parse(answer(html, "html")).reply_text.split() == ANSWER.split()
