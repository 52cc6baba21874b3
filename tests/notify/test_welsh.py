"""Mails in Welsh, and in both languages."""

import email
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailgate.ingest.parse import parse
from mailgate.model.decision import Reply
from mailgate.model.sending import Audience, Language
from mailgate.notify import samples
from mailgate.notify.compose import Context, Rendered, compose, prepare, render
from mailgate.notify.dates import in_words
from mailgate.notify.fields import IN_ENGLISH, LAYOUT, OWN, About
from mailgate.notify.files import read_templates
from mailgate.notify.labels import STATUSES, WAITING_FOR
from tests.make import HELPDESK, NOW, make_config
from tests.notify.test_compose_html import check_page, words_of, words_of_text

SHIPPED = Path(__file__).parent.parent.parent / "mailgate"
WITH_TABLES = {"commission_return"}
WELSH_MESSAGES = sorted(OWN.keys() - {LAYOUT} - IN_ENGLISH)
WELSH = {"Desk": "Desg gymorth", "the room": "yr ystafell", "asset tag": "tag ased", "Repair": "Trwsio"}
CONFIG = make_config(welsh=WELSH)
LONDON = ZoneInfo("Europe/London")


def context_in(language: str, *, without: str = "") -> Context:
    config = samples.in_language(CONFIG, language)  # type: ignore[arg-type]
    sources = read_templates(config, [SHIPPED])
    return prepare(config, samples.KEYS, "loop", {name: found for name, found in sources.items() if name != without})


CY, BOTH = context_in("cy"), context_in("en+cy")


def shown(message: str, context: Context) -> Rendered:
    return render(*samples.sample(message, Audience.COLLEAGUES, context.config), context)


def headers_of(message: str, context: Context) -> EmailMessage:
    sent = compose(*samples.sample(message, Audience.COLLEAGUES, context.config), context)
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (datetime(2027, 1, 14, 17, tzinfo=UTC), "14 Ionawr 2027 am 5pm"),
        (datetime(2027, 7, 1, 11, tzinfo=UTC), "1 Gorffennaf 2027 am hanner dydd"),
        (datetime(2026, 12, 1, 0, tzinfo=UTC), "1 Rhagfyr 2026 am hanner nos"),
        (datetime(2027, 3, 3, 9, 5, tzinfo=UTC), "3 Mawrth 2027 am 9.05am"),
        (date(2027, 2, 8), "8 Chwefror 2027"),
    ],
)
def test_dates_read_as_people_say_them_in_welsh(when: date, words: str) -> None:
    assert in_words(when, LONDON, Language.WELSH) == words


def test_every_word_of_ours_is_there_in_both_languages() -> None:
    for words in (STATUSES, WAITING_FOR):
        assert words[Language.ENGLISH].keys() == words[Language.WELSH].keys()  # type: ignore[attr-defined]


def test_a_mail_in_welsh_is_welsh_throughout() -> None:
    subject, text, html = shown("more_needed", CY)
    assert subject == "[MG-7K3F-99] Mae angen rhagor o wybodaeth arnom gennych"
    assert text.startswith("## atebwch uwchben y llinell hon ##\n\nOFFICIAL\n\nMae angen rhagor o wybodaeth arnom\n")
    for words in ("14 Ionawr 2027 am 5pm", "- Tasg: Trwsio", "- tag ased: A123456", "- yr ystafell", "Desg gymorth"):
        assert words in text
    assert check_page(html).attributes("html")["lang"] == "cy"
    assert headers_of("more_needed", CY)["Content-Language"] == "cy"


@pytest.mark.parametrize("message", WELSH_MESSAGES)
def test_both_languages_stand_in_one_mail_that_keeps_to_the_rules(message: str) -> None:
    subject, text, html = shown(message, BOTH)
    english, welsh = shown(message, context_in("en")), shown(message, CY)
    assert subject == f"{english.subject} / {welsh.subject.removeprefix('[MG-7K3F-99] ')}"
    page = check_page(html)
    assert page.attributes("html")["lang"] == "en-GB"
    in_welsh = [(tag, "".join(said)) for tag, attributes, said in page.elements if attributes.get("lang") == "cy"]
    assert in_welsh[0] == ("h2", check_page(welsh.html).texts("h1")[0])
    if message not in WITH_TABLES:  # whose rows name their columns in the text
        assert words_of(html) == [word for word in words_of_text(text) if set(word) != {"-"}]
    bodies = text.split(f"\n\n{'-' * 40}\n\n")
    assert english.text.endswith(bodies[0].partition("\n\n")[2] + "\n")
    assert welsh.text.endswith("\n" + bodies[1])


def test_both_languages_are_named_in_the_header() -> None:
    assert headers_of("received", BOTH)["Content-Language"] == "en-GB, cy"
    assert headers_of("alert", BOTH)["Content-Language"] == "en-GB"


@pytest.mark.parametrize("context", [CY, BOTH], ids=["cy", "en+cy"])
@pytest.mark.parametrize("message", WELSH_MESSAGES)
def test_that_it_is_a_draft_is_never_sent(message: str, context: Context) -> None:
    sent = compose(*samples.sample(message, Audience.PUBLIC, context.config), context)
    assert not any(word in part for part in shown(message, context) for word in ("draft", "translator"))
    assert b"translator" not in sent.content


@pytest.mark.parametrize("language", ["cy", "en+cy"])
def test_what_has_no_template_in_welsh_goes_out_in_english(language: str) -> None:
    subject, text, html = shown("received", context_in(language, without="cy/received"))
    assert subject == "[MG-7K3F-99] We have received your request"
    assert text.startswith("## reply above this line ##\n")
    assert check_page(html).attributes("html")["lang"] == "en-GB"


def test_a_mailbox_without_welsh_reads_no_welsh_templates() -> None:
    assert not CONFIG.writes_welsh
    assert not any(name.startswith("cy/") for name in read_templates(CONFIG, [SHIPPED]))


@pytest.mark.parametrize("context", [CY, BOTH], ids=["cy", "en+cy"])
def test_E100_an_answer_on_top_is_all_that_counts(context: Context) -> None:
    about = About(ref="MG-7K3F-99", serial=1, mailbox=HELPDESK, at=NOW, received_at=NOW, cause="<a@b>")
    text = render(Reply("received", "ann@council.example"), about, context).text
    body = "Mae yn ystafell 12.\n\n" + text
    mail = f"From: ann@council.example\nTo: {HELPDESK}\nSubject: Re: x\nIn-Reply-To: <a@b>\nMIME-Version: 1.0\n"
    read = parse(f"{mail}Content-Type: text/plain; charset=utf-8\n\n{body}".encode())
    assert read.reply_text.strip() == "Mae yn ystafell 12."
