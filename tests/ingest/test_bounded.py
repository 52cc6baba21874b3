"""A mail that costs too much ends the process that reads it, and no other (E92)."""

import base64
import subprocess
import sys
from dataclasses import replace

import pytest

from mailgate.ingest import bounded
from mailgate.ingest.parse import attachment_bytes, parse
from mailgate.model.work import TextKeys

HEAD = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n"
KEYS = TextKeys(disclaimers=("This e-mail",), banners=("[EXTERNAL]",))
DATA = b"\x01" * bounded.LARGE
LARGE = (
    HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n[EXTERNAL]\r\n\r\nOFFICIAL\r\n\r\nHello\r\n"
    b"--b\r\nContent-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(DATA)
    + b"--b--"
)


def test_E92_a_large_mail_is_read_apart_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    message = bounded.read(LARGE, KEYS, ("OFFICIAL",))
    assert message == parse(LARGE, KEYS, ("OFFICIAL",))
    assert (message.reply_text, message.marking) == ("Hello", "OFFICIAL")
    assert attachment_bytes(LARGE, message.attachments[0].part) == DATA
    monkeypatch.setattr(bounded, "READER", ("false",))
    assert bounded.read(HEAD + b"\r\nx").text == "x"  # a small one is not


@pytest.mark.parametrize(("code", "seconds"), [("raise SystemExit(1)", 30.0), ("import time; time.sleep(60)", 0.2)])
def test_E92_a_reader_that_dies_or_hangs_is_a_mail_that_cannot_be_read(
    code: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "READER", (sys.executable, "-c", code))
    monkeypatch.setattr(bounded, "WAIT_SECONDS", seconds)
    with pytest.raises(bounded.Unreadable, match="look at its raw form"):
        bounded.read(LARGE)


@pytest.mark.parametrize(
    "costly",
    ["while True: pass", "bytearray(600 * 1024**2)", "held = [b'x' * 2**20 for _ in range(600)]"],
)
def test_E92_the_reader_is_ended_by_its_limits(costly: str) -> None:
    code = (
        "from mailgate.ingest import bounded, parse\n"
        "bounded.CPU_SECONDS = 1\n"
        f"def costly(*_):\n    {costly}\n"
        "parse._parse = costly\n"
        "bounded.main()\n"
    )
    words = '[{"disclaimers": [], "banners": []}, []]'
    done = subprocess.run([sys.executable, "-c", code, words], input=HEAD, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert not done.stdout


def test_a_mail_that_meets_a_bug_of_ours_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(parse(HEAD), defects=("unreadable", "ValueError"))
    monkeypatch.setattr(bounded, "parse", lambda *_: broken)
    with pytest.raises(bounded.Unreadable, match="ValueError"):
        bounded.read(HEAD)


@pytest.mark.parametrize("line", ["über – \n".encode() * 20, b"x" * 200 + b"\n", b"x" * 200])
def test_E92_of_a_text_of_many_megabytes_the_first_is_read(line: bytes) -> None:
    message = parse(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + line * (3 * 1024**2 // len(line)))
    assert "text-too-long" in message.defects
    assert "charset-mismatch" not in message.defects
    assert 500_000 < len(message.text) <= 1024**2


def test_a_bounce_that_the_library_stumbles_over_leaves_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bounded.read(b"Subject: Undeliverable: Mail delivery failed\r\n\r\nYour mail failed.\r\n")
    assert caplog.records == []
