import pytest

from mailgate.ingest.html import render
from mailgate.ingest.markup import strip_tags, unwrap_safe_links


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p class=MsoNormal>a<o:p></o:p></p><p class=MsoNormal>&nbsp;<o:p></o:p></p><p class=MsoNormal>b</p>",
            "a\n\nb",
        ),
        ("X5<span style='color:red'>01</span><b>883</b>", "X501883"),
        (
            "<table><tr><td><p>CRN</p></td><td><p>X1</p></td></tr><tr><td>DOB</td><td>1/2/90</td></tr></table>",
            "CRN\tX1\nDOB\t1/2/90",
        ),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("AM4&nbsp;9ZZ", "AM4 9ZZ"),
        ("<ul><li>one</li><li>two</li></ul><ol><li>x</li><li>y</li></ol>", "- one\n- two\n1. x\n2. y"),
        ("a<!--[if mso]>hidden<![endif]-->b <![if !mso]>c<![endif]>", "ab c"),
        ("<style>p{}</style><script>x()</script>a", "a"),
        ("<div style='display:none'>no</div>yes<span style='mso-hide:all'>no</span>", "yes"),
        ("<span style='font-size:0px'>no</span><span style='visibility: hidden'>no</span>yes", "yes"),
        ('see <a href="https://x.example/a">here</a>', "see here <https://x.example/a>"),
        ('<a href="https://x.example/">https://x.example</a>', "https://x.example"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<blockquote type=cite>old<br>older</blockquote>new", "> old\n> older\nnew"),
    ],
)
def test_E84_html_as_a_reader_sees_it(html: str, text: str) -> None:
    assert render(html).text.strip("\n") == text


def test_struck_out_text_is_left_out_and_remembered() -> None:
    rendered = render(
        "CRN <s>X111111</s> X222222 <span style='text-decoration: line-through'>event 2</span> <del>y</del>"
    )
    assert rendered.text.split() == ["CRN", "X222222"]
    assert rendered.struck == ("X111111", "event 2", "y")


@pytest.mark.parametrize(
    "html",
    [
        '<div>Done</div><hr><div id="divRplyFwdMsg">From: x</div><div>old</div>',
        '<div>Done</div><div id="x_x_divRplyFwdMsg">From: x</div>',
        '<div>Done</div><div id="mail-editor-reference-message-container">old</div>',
        '<div>Done</div><div class="yahoo_quoted">old</div>',
        '<div>Done</div><div name="messageReplySection">old</div>',
    ],
)
def test_E101_the_history_that_a_mail_client_marked_is_found(html: str) -> None:
    rendered = render(html)
    assert rendered.history_at is not None
    assert rendered.text[: rendered.history_at].strip() == "Done"


def test_E103_words_in_the_signature_of_a_mobile_client_are_kept() -> None:
    rendered = render('<div id="ms-outlook-mobile-signature">Ring me please</div>')
    assert rendered.history_at is None
    assert rendered.text == "Ring me please"


def test_E85_safe_links_are_unwrapped_one_level() -> None:
    link = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.example%2Fa%3Fb&data=05%7C01&reserved=0"
    assert unwrap_safe_links(f"see {link}.") == "see https://x.example/a?b."


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + "end",
        "<a " * 300_000 + ">end",
        "<!--" * 250_000,
        "<b>end" * 100_000,
        "<p>end" * 500_000,
        "<" * 1_000_000,
    ],
    ids=["nested", "open-tags", "comments", "inline", "too-large", "angles"],
)
def test_S26_hostile_html_is_read_all_the_same(html: str) -> None:
    assert len(render(html).text) <= len(html)


def test_S26_text_below_a_thousand_open_tags_is_not_lost() -> None:
    assert "CRN X1" in render("<div>" * 5000 + "CRN X1").text


def test_tags_are_stripped_with_style_and_comments() -> None:
    assert strip_tags("<style>x</style>a<b>c</b><!-- d -->").split() == ["a", "c"]
