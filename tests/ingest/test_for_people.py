import pytest

from mailgate.ingest.for_people import html_for_people

HEAD = b"From: ann@x.example\r\nSubject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<p onclick='x()' style='background:url(//e.example)'>Hello</p>", "<p>Hello</p>"),
        ("<script>steal()</script><style>p{}</style>Hello", "Hello"),
        ("<img src='https://e.example/seen.png'>Hello", "Hello"),
        ("<a href='//e.example'>go</a>", '<a rel="noopener noreferrer nofollow">go</a>'),
        ("<a href='javascript:x()'>go</a>", '<a rel="noopener noreferrer nofollow">go</a>'),
        ("<a href='mailto:a@x.example'>a</a>", '<a href="mailto:a@x.example" rel="noopener noreferrer nofollow">a</a>'),
        ("<table><tr><td background='https://e.example/x'>1</td></tr></table>", "<td>1</td>"),
        ("<iframe src='https://e.example'></iframe><svg><a href='x'>no</a></svg><b>yes</b>", "<b>yes</b>"),
        ("<form action='https://e.example'><input name='a'>Hello</form>", "Hello"),
    ],
)
def test_R23_nothing_runs_and_nothing_is_fetched(written: str, shown: str) -> None:
    cleaned = html_for_people(HEAD + written.encode())
    assert shown in cleaned
    assert not any(word in cleaned for word in ("//e.example", "javascript", "steal", "style", "<svg", "<form"))


def test_a_mail_without_html_has_none_to_show() -> None:
    assert html_for_people(b"From: ann@x.example\r\n\r\nHello <b>there</b>\r\n") == ""
