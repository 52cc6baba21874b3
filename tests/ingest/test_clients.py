"""T4: replies and forwards as nine mail programs write them, as text and as HTML, in four languages."""

from dataclasses import dataclass
from email.message import EmailMessage
from itertools import product

import pytest

from mailgate.ingest.parse import parse
from mailgate.model.message import Message

WORDS = "#waiting for the supplier"
OLD = ("The form is missing.", "Done means closed.")
IT = "IT Desk <it@council.example>"


@dataclass(frozen=True)
class Language:
    """The words of one language; {who} wrote it."""

    block: tuple[str, str, str, str]
    date: str
    attribution: str
    on_behalf: str  # what a telephone adds
    outlook: str
    forwarded: str
    prefix: str


LANGUAGES = {
    "en": Language(
        ("From", "Sent", "To", "Subject"),
        "21 November 2026 10:15",
        "On 21 Nov 2026, at 10:15, {who} wrote:",
        "Sent from my iPhone",
        "Get Outlook for Android",
        "Forwarded message",
        "FW",
    ),
    "de": Language(
        ("Von", "Gesendet", "An", "Betreff"),
        "Samstag, 21. November 2026 10:15",
        "Am 21.11.2026 um 10:15 schrieb {who}:",
        "Von meinem iPhone gesendet",
        "Outlook für Android beziehen",
        "Weitergeleitete Nachricht",
        "WG",
    ),
    "fr": Language(
        ("De ", "Envoyé ", "À ", "Objet "),
        "samedi 21 novembre 2026 10:15",
        "Le 21 nov. 2026 à 10:15, {who} a écrit :",
        "Envoyé de mon iPhone",
        "Télécharger Outlook pour Android",
        "Message transféré",
        "TR",
    ),
    "cy": Language(
        ("Oddi wrth", "Anfonwyd", "At", "Pwnc"),
        "21 Tachwedd 2026 10:15",
        "Ar 21/11/2026 10:15, ysgrifennodd {who}:",
        "Anfonwyd o fy iPhone",
        "Cael Outlook ar gyfer Android",
        "Neges wedi'i hanfon ymlaen",
        "FW",
    ),
}


def block(language: Language, newline: str = "\n", bold: str = "{}") -> str:
    values = (IT.replace("<", "&lt;").replace(">", "&gt;") if newline != "\n" else IT, language.date, "Ann", "x")
    labels = (bold.format(f"{label}:") for label in language.block)
    return newline.join(f"{label} {value}" for label, value in zip(labels, values, strict=True))


def said(language: Language) -> str:
    return language.attribution.format(who=IT)


def said_html(language: Language) -> str:
    return said(language).replace("<", "&lt;").replace(">", "&gt;")


# ------------------------------------------------ what stands between the words and the history

OUTLOOK_BORDER = "border:none;border-top:solid {} 1.0pt;padding:3.0pt 0cm 0cm 0cm"
BLOCK_CLIENTS = {
    "Outlook desktop": ("", "________________________________\n"),
    "Outlook on the web": ("", "________________________________\n"),
    "new Outlook": ("", "________________________________\n"),
    "Outlook for Mac": ("", ""),
    "Android": ("{outlook}\n\n", "________________________________\n"),
}
QUOTE_CLIENTS = {"iOS": "{on_behalf}\n\n", "Apple Mail": "", "Gmail": "", "Thunderbird": ""}


def filled(text: str, language: Language) -> str:
    return text.format(outlook=language.outlook, on_behalf=language.on_behalf)


def block_html(client: str, language: Language) -> str:
    heading = block(language, "<br>", "<b>{}</b>")
    old = "".join(f"<p>{line}</p>" for line in OLD)
    if client in ("Outlook desktop", "Outlook for Mac"):
        colour = "#E1E1E1" if client == "Outlook desktop" else "#B5C4DF"
        border = OUTLOOK_BORDER.format(colour)
        return f'<div><div style="{border}"><p class="MsoNormal">{heading}</p></div></div>{old}'
    divided = f'<hr tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">{heading}</div><div>{old}</div>'
    if client == "Android":
        return (
            f'<div id="ms-outlook-mobile-signature"><a href="https://aka.ms/AAb9ysg">{language.outlook}</a></div>'
            f'<hr><div id="mail-editor-reference-message-container">{divided}</div>'
        )
    return f'<div id="appendonsend"></div>{divided}'


def quote_html(client: str, language: Language) -> str:
    old = "".join(f"<div>{line}</div>" for line in OLD)
    if client == "Gmail":
        attribution = f'<div dir="ltr" class="gmail_attr">{said_html(language)}</div>'
        quotation = f'{attribution}<blockquote class="gmail_quote">{old}</blockquote>'
        return f'<div class="gmail_quote gmail_quote_container">{quotation}</div>'
    if client == "Thunderbird":
        return f'<div class="moz-cite-prefix">{said_html(language)}</div><blockquote type="cite">{old}</blockquote>'
    footer = f"<div>{language.on_behalf}</div>" if client == "iOS" else ""
    attribution = f'<div><blockquote type="cite">{said_html(language)}<br><br></blockquote></div>'
    return f'{footer}{attribution}<blockquote type="cite">{old}</blockquote>'


def read(text: str, html: str = "", subject: str = "Re: x") -> Message:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["In-Reply-To"] = "Ann <ann@mail.example>", subject, "<1@council.example>"
    mail.set_content(text or "x")
    if html:
        mail.set_content(html, subtype="html")
    return parse(mail.as_bytes())


def top(client: str, language: Language, is_html: bool) -> tuple[str, str]:
    if client in BLOCK_CLIENTS:
        footer, rule = BLOCK_CLIENTS[client]
        text = f"{WORDS}\n\n{filled(footer, language)}{rule}{block(language)}\n\n" + "\n".join(OLD)
        return text, f"<div>{WORDS}</div>{block_html(client, language)}" if is_html else ""
    quoted = "\n".join(f"> {line}" for line in OLD)
    text = f"{WORDS}\n\n{filled(QUOTE_CLIENTS[client], language)}{said(language)}\n\n{quoted}\n"
    return text, f"<div>{WORDS}</div>{quote_html(client, language)}" if is_html else ""


ALL = list(product([*BLOCK_CLIENTS, *QUOTE_CLIENTS], LANGUAGES, [False, True]))


@pytest.mark.parametrize(("client", "code", "is_html"), ALL)
def test_T4_words_above_the_history_are_the_reply(client: str, code: str, is_html: bool) -> None:
    found = read(*top(client, LANGUAGES[code], is_html))
    assert found.reply_text == WORDS
    assert found.confidence == "high"
    assert all(line in found.quoted for line in OLD)


@pytest.mark.parametrize(("client", "code", "is_html"), ALL)
def test_T4_a_forward_keeps_the_note_and_what_it_forwards(client: str, code: str, is_html: bool) -> None:
    language = LANGUAGES[code]
    text, html = top(client, language, is_html)
    if client == "Gmail":
        ruled = f"---------- {language.forwarded} ---------"
        text = f"{WORDS}\n\n{ruled}\n{block(language)}\n\n" + "\n".join(OLD)
    found = read(text, html, f"{language.prefix}: x")
    assert found.is_forward
    assert all(line in found.reply_text for line in (WORDS, *OLD))
    assert language.date not in found.reply_text or client in QUOTE_CLIENTS


@pytest.mark.parametrize(("client", "code", "is_html"), ALL)
def test_T4_words_below_the_history_are_never_lost(client: str, code: str, is_html: bool) -> None:
    text, html = top(client, LANGUAGES[code], is_html)
    text = f"{text.removeprefix(WORDS).lstrip()}\n\n{WORDS}\n"
    html = html and f"{html.removeprefix(f'<div>{WORDS}</div>')}<div>{WORDS}</div>"
    found = read(text, html)
    if client in QUOTE_CLIENTS:
        assert (found.reply_text, found.confidence) == (WORDS, "medium")
    else:  # nothing tells the answer from the history
        assert WORDS in found.reply_text
        assert found.confidence == "low"


@pytest.mark.parametrize(("client", "code"), list(product(QUOTE_CLIENTS, LANGUAGES)))
@pytest.mark.parametrize("is_html", [False, True])
def test_T4_answers_between_keep_the_questions_and_run_nothing(client: str, code: str, is_html: bool) -> None:
    language = LANGUAGES[code]
    text = f"{said(language)}\n\n> {OLD[0]}\n\nyes\n\n> {OLD[1]}\n\n{WORDS}\n"
    quotations = [f'<blockquote type="cite"><div>{line}</div></blockquote>' for line in OLD]
    html = f"<div>{said_html(language)}</div>{quotations[0]}<div>yes</div>{quotations[1]}<div>{WORDS}</div>"
    found = read(text, html if is_html else "")
    assert [line for line in found.reply_text.splitlines() if line] == [f"> {OLD[0]}", "yes", f"> {OLD[1]}", WORDS]
    assert (found.layer, found.confidence) == ("interleaved", "low")


MARKER = "## reply above this line ##"


@pytest.mark.parametrize(
    "marker",
    [
        MARKER,
        f"> {MARKER}",
        MARKER.replace(" ", "\xa0"),
        f"*{MARKER}*",
        f"| {MARKER} |",
        "## reply above this\nline ##",
        "> ## reply above\n> this line ##",
        "## Atebwch uwchben y llinell hon ##",
        "",
    ],
)
@pytest.mark.parametrize("client", [*BLOCK_CLIENTS, *QUOTE_CLIENTS])
def test_T4_our_marker_may_be_there_mangled_or_gone(client: str, marker: str) -> None:
    text, _ = top(client, LANGUAGES["en"], is_html=False)
    quote = "> " if client in QUOTE_CLIENTS else ""
    lines = f"{marker}\n{OLD[0]}".replace("\n", f"\n{quote}")
    assert read(text.replace(OLD[0], lines)).reply_text == WORDS
    assert read(f"{WORDS}\n\n{marker or MARKER}\nStatus: open\n\n{OLD[0]}").reply_text == WORDS
