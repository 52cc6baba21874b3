import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.body import Source, Split, says_forward, split
from mailgate.model.work import TextKeys

KEYS = TextKeys(
    disclaimers=("This e-mail and any attachments",), banners=("[EXTERNAL]", "CAUTION: This email originated")
)
MARKINGS = ("OFFICIAL", "OFFICIAL-SENSITIVE")


def read(text: str, subject: str = "Re: x", name: str = "Other, Ann", is_answer: bool = True) -> Split:
    return split(Source(text, subject, name, is_answer), KEYS, MARKINGS)


OUTLOOK = (
    "________________________________\nFrom: IT Service Desk <h@x.example>\nSent: 21 November 2026 10:15\n"
    "To: Ann\nSubject: x\n\nold Done"
)


@pytest.mark.parametrize(
    ("history", "layer"),
    [
        (OUTLOOK, "header-block"),
        ("-----Original Message-----\nFrom: IT\nSent: 21 November 2026\nTo: Ann\nSubject: x\n\nold", "separator"),
        ("Von: IT\nGesendet: Samstag, 21. November 2026 10:15\nAn: Ann\nBetreff: AW: x\n\nalt", "header-block"),
        ("De : IT\nEnvoyé : samedi 21 novembre 2026 10:15\nÀ : Ann\nObjet : x\n\nvieux", "header-block"),
        ("Oddi wrth: IT\nAnfonwyd: 21 Tachwedd 2026 10:15\nAt: Ann\nPwnc: x\n\nhen", "header-block"),
        ("*From:* IT <h@x.example>\n*Sent:* 21 November 2026 10:15\n*To:* Ann\n*Subject:* x\n\nold", "header-block"),
        ("On Sat, 21 Nov 2026 at 10:15, IT <h@x.example> wrote:\n\n> old", "attribution"),
        ("On Sat, 21 Nov 2026 at 10:15, IT\n<h@x.example> wrote:\n> old", "attribution"),
        ("Am 21.11.2026 um 10:15 schrieb IT:\n> alt", "attribution"),
        ("> old\n> older", "quotes"),
        ("20 окт. 2016 г. 19:37 Rafael написал:\n\n> old", "attribution"),
        ("## reply above this line ##\nStatus: open", "marker"),
        ("> ## reply above\u00a0this line ##\n> Status: open", "marker"),
        ("*## reply above this\nline ##*\nStatus: open", "marker"),
    ],
)
def test_E100_to_E106_the_history_is_cut(history: str, layer: str) -> None:
    found = read(f"Done\n\n{history}\n")
    assert (found.reply, found.layer) == ("Done", layer)
    assert found.quoted


@pytest.mark.parametrize(
    "text",
    [
        "From: Monday the office is closed.\nPlease ring instead.",
        "I saw the text ## reply above this line ## in your mail",
        "Items:\n-----\none\ntwo",
        "On Monday she wrote: nothing at all",
        "To: be or not to be\nSubject: matter",
    ],
)
def test_E3_doubt_about_a_quote_keeps_the_text(text: str) -> None:
    assert read(text).reply == text


def test_E100_the_marker_in_a_new_mail_is_no_history() -> None:
    text = "I copied this:\n## reply above this line ##\nand this"
    assert read(text, subject="x", is_answer=False).reply == text


def test_E106_an_answer_below_the_quotation_is_found() -> None:
    found = read("On 21 Nov 2026 10:15, IT <h@x.example> wrote:\n> old\n\nDone")
    assert (found.reply, found.confidence) == ("Done", "medium")


@pytest.mark.parametrize(
    "attribution", ["On 21 Nov 2026, IT <h@x.example> wrote:", "---- On 21 Nov 2026 IT wrote ----"]
)
def test_E106_answers_between_quotations_stay_with_the_questions_and_are_no_commands(attribution: str) -> None:
    found = read(f"{attribution}\n> one?\nyes\n> two?\nno\n> three?\n")
    assert (found.reply, found.layer, found.confidence) == ("> one?\nyes\n> two?\nno", "interleaved", "low")


def test_E106_a_quotation_that_nothing_announces_is_the_writers_own_choice() -> None:
    found = read("> You said this.\n\nI disagree.")
    assert (found.reply, found.confidence) == ("> You said this.\n\nI disagree.", "low")


def test_E106_lines_behind_the_initials_of_their_writer_are_quoted() -> None:
    assert read("Done\n\nAO> old\nAO>\nAO> older").reply == "Done"
    assert read("Use a -> b\nA->B too").reply == "Use a -> b\nA->B too"


def test_E106_a_list_footer_below_the_quotation_is_no_answer() -> None:
    footer = "____\nUsers mailing list\nusers@lists.example\nhttps://lists.example/mailman/listinfo/users"
    found = read(f"Done\n\nOn 21 Nov 2026, at 10:15, IT wrote:\n> old\n\n{footer}")
    assert (found.reply, found.signature, found.confidence) == ("Done", footer, "high")


def test_E105_words_below_an_attribution_with_nothing_above_it_are_kept_but_run_nothing() -> None:
    found = read("On 21 Nov 2026 at 10:15, IT <h@x.example> wrote:\n\nDone")
    assert (found.reply, found.confidence) == ("Done", "low")


def test_E110_a_mail_of_nothing_but_history_falls_back_to_all_of_it() -> None:
    found = read(OUTLOOK)
    assert "old Done" in found.reply
    assert found.confidence == "low"


def test_E110_quotation_marks_around_nothing_but_attributions_say_nothing() -> None:
    said = "On 21 Nov 2026, at 10:15, IT <h@x.example> wrote:"
    assert read(f"> {said}\n>\n>> {said}\n>>\n").reply == ""


def test_E107_what_stands_below_an_answer_is_history_however_it_is_headed() -> None:
    below = "---------- Forwarded message ---------\nFrom: IT\nDate: 21 Nov 2026 10:15\nTo: Ann\n\nold"
    assert read(f"Done\n\n{below}").reply == "Done"
    assert read(below).reply == "old"
    assert read(f"Please log\n\n{below}", subject="x", is_answer=False).reply == "Please log\n\nold"


def test_E107_a_forward_keeps_what_it_forwards_without_headings_and_boilerplate() -> None:
    inner = OUTLOOK.replace("old Done", "The request.\n\nThis e-mail and any attachments are private.")
    found = read(f"Please log\n\nAnn Other | Benefits\n\n{inner}", subject="FW: x")
    assert found.is_forward
    assert found.reply == "Please log\n\nThe request."


@pytest.mark.parametrize(
    ("subject", "is_forward"),
    [("FW: x", True), ("[EXTERNAL] Fwd: x", True), ("WG: x", True), ("RE: FW: x", False), ("Forward planning", False)],
)
def test_E107_the_first_prefix_says_whether_it_is_a_forward(subject: str, is_forward: bool) -> None:
    assert says_forward(subject) is is_forward


@pytest.mark.parametrize(
    "signature",
    [
        "Ann Other | Benefits | 01234 567890",
        "Ann\n\nAnn Other | Benefits",
        "Ann Other\nSenior Manager\nCouncil",
        "Ann\nTel: 01234 567890",
        "-- \nanything",
        "--\nanything",
        "____________\nJo Doe\nSenior Manager",
        "-----\nJo Doe\nTel: 01234 567890",
        "/John",
    ],
)
def test_the_signature_is_cut(signature: str) -> None:
    assert read(f"Done\n\n{signature}\n\n").reply == "Done"


@pytest.mark.parametrize(
    "formula",
    [
        *("Mit freundlichen Grüßen", "Viele Grüße,", "Cordialement,", "Saludos cordiales,", "Atenciosamente,"),
        *("Cordiali saluti", "Met vriendelijke groet,", "Med vänliga hälsningar", "Mvh", "Med venlig hilsen"),
        *("Ystävällisin terveisin", "Z powazaniem,", "S pozdravem", "Cofion gorau,"),
    ],
)
def test_E108_a_closing_formula_opens_a_signature_and_never_hides_a_fact(formula: str) -> None:
    assert read(f"Done\n\n{formula}\n\nJo Doe\nTel: 01234 567890").reply == "Done"
    for below in ("Event: 3", "PS: Friday is fine", "", "This sentence goes on for so long that it cannot be a name."):
        assert below in read(f"Done\n\n{formula}\nJo\n{below}").reply


@pytest.mark.parametrize(
    "words",
    [
        "Many thanks\n\nCRN: X123456",
        "Kind regards\nJo",
        "Best regards,\n\n//Jo",
        "--\nfirst point\n--\nsecond point",
        "-----\none\ntwo",
        "______\n\nCRN X123456\nPlease open a case",
        "______\n\nPlease add Jo to the mailing list",
        "/etc/hosts/allow",
    ],
)
def test_E108_what_may_be_a_persons_words_is_no_signature(words: str) -> None:
    assert read(f"Hello there\n\n{words}").reply == f"Hello there\n\n{words}"


def test_a_line_with_the_senders_name_alone_is_no_signature() -> None:
    assert read("Thanks\n\nAnn").reply == "Thanks\n\nAnn"


@pytest.mark.parametrize(
    "footer",
    [
        *("Sent from my iPhone", "Get Outlook for iOS<https://aka.ms/o0ukef>", "Sent from Outlook for Android"),
        *("Sent from my phone. Please excuse brevity.", "(sent from mobile)", "Sent with Spark", "From my iPhone 6"),
        *(
            "Sent from [Mail](https://go.microsoft.com/fwlink/?LinkId=550986) for Windows",
            "Sent from Tidy<http://t.io>",
        ),
        *("Von meinem iPhone gesendet", "Gesendet mit der GMX Mail App", "Outlook für iOS beziehen"),
        *("Envoyé de mon iPhone", "Envoyé à partir de Outlook pour Android", "Télécharger Outlook pour iOS"),
        *("Enviado desde mi iPhone", "Obtener Outlook para iOS", "Enviado do meu iPhone", "Obter o Outlook para iOS"),
        *("Inviato da iPhone", "Scarica Outlook per iOS", "Verzonden vanaf mijn Galaxy", "Outlook voor iOS downloaden"),
        *("Skickat från min iPhone", "Hämta Outlook för iOS", "Sendt fra min iPhone", "Hent Outlook til iOS"),
        *("Lähetetty iPhonesta", "Wysłane z iPhone'a", "Odesláno z iPhonu", "Anfonwyd o fy iPhone"),
        *("Cael Outlook ar gyfer iOS", "從我的 iPhone 傳送", "iPhoneから送信", "Virus-free. www.avast.com"),
    ],
)
def test_E103_a_footer_is_dropped_and_words_below_it_stay(footer: str) -> None:
    assert read(f"Done\n\n{footer}\n").reply == "Done"
    assert read(f"Done\n\nOn 21 Nov 2026, at 10:15, IT wrote:\n> old\n\n{footer}").reply == "Done"
    assert "PS" in read(f"Done\n{footer}\nPS thanks").reply


@pytest.mark.parametrize(
    "sentence",
    [
        "Sent from my desk, which is easier than my telephone.",
        "Sent from court this morning.",
        "From my phone records he rang twice on Monday",
        "Outlook for Monday is rain",
        "Envoyé de Paris hier par la poste",
    ],
)
def test_E103_a_sentence_that_opens_like_a_footer_is_kept(sentence: str) -> None:
    assert read(f"Hello\n\n{sentence}").reply == f"Hello\n\n{sentence}"


def test_E85_banners_disclaimers_and_markings_count_for_nothing() -> None:
    text = (
        "OFFICIAL-SENSITIVE [PERSONAL]\n\n[EXTERNAL] Do not click\nanything.\n\n"
        "Done\n\nThis e-mail and any attachments are\nprivate."
    )
    found = read(text, subject="OFFICIAL: x")
    assert (found.reply, found.marking) == ("Done", "OFFICIAL-SENSITIVE [PERSONAL]")


def test_E85_the_marking_of_quoted_history_is_not_the_mails() -> None:
    assert read(f"Done\n\n{OUTLOOK}\n\nOFFICIAL-SENSITIVE").marking == ""


def test_every_character_of_the_body_has_one_fate() -> None:
    text = "Done\n\nSent from my iPhone\n\nOn 21 Nov 2026, at 10:15, IT wrote:\n> old\n\n-- \nAnn\n"
    found = read(text)
    assert [(text[span.start : span.end].strip(), span.fate.value) for span in found.spans if text[span.start :]] == [
        ("Done", "reply"),
        ("Sent from my iPhone", "footer"),
        ("", "reply"),
        ("On 21 Nov 2026, at 10:15, IT wrote:\n> old", "history"),
        ("", "reply"),
        ("-- \nAnn", "signature"),
    ]
    assert [found.spans[0].start, *(span.end for span in found.spans)] == [
        *(span.start for span in found.spans),
        len(text),
    ]


PIECES = [
    "From: a",
    "Sent: 1",
    "To: b",
    "Subject: c",
    "> q",
    ">> q",
    "On 1 May 2026 A <a@b.example> wrote:",
    "text",
    "",
    "_____",
    "-- ",
    "Ann | x",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from(["x", "RE: x", "FW: x"]), st.booleans())
def test_E110_there_is_a_reply_wherever_there_are_words_of_ones_own(
    lines: list[str], subject: str, answer: bool
) -> None:
    found = read("\n".join([*lines]), subject=subject, is_answer=answer)
    if lines and lines[0] == "text":
        assert found.reply.startswith("text")


@pytest.mark.parametrize(
    "piece",
    [
        "From: x\n",
        "To: x\n",
        "> a\nb\n",
        "On a 1\n",
        "_____\n",
        "-----Original Message-----\n",
        ":\n",
        ">",
        "\nAnn\n",
        "From: a\nx\nSent: 1\n",
    ],
)
@pytest.mark.parametrize("subject", ["RE: x", "FW: x"])
def test_200_KB_of_one_thing_is_read(piece: str, subject: str) -> None:
    assert read(piece * (200_000 // len(piece)), subject=subject).confidence in ("high", "medium", "low")
