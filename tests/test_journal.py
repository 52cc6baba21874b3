"""The log must never stop the work, and nobody can write into it."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.journal import LONGEST_LINE

LOG_ON_A_FULL_DISK = """
from mailgate import journal

journal.configure()
journal.stopping()
journal.stopping()
print("went on")
"""
FAKE = '{"event": "mail accepted", "level": "info"}'
HOSTILE = (
    "one\ntwo\r\nthree\u2028four\x85five\x0bsix",
    "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f",
    "nothing\0here \x08\x08\x08gone",
    "half \ud83d a character \udc80",
    "turned \u202e gnirts \u2066",
    f'", {FAKE}\n{FAKE}',
    "é😀" * 4000,
    "x" * 1_000_000,
)


class Talkative:
    """An object that says what it holds, or fails to."""

    def __init__(self, said: str) -> None:
        self.said = said

    def __repr__(self) -> str:
        if not self.said:
            raise ValueError("no")
        return self.said


TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=())))
SCALARS = st.one_of(
    TEXTS,
    st.binary(),
    st.integers(),
    st.just(10**5000),
    st.floats(),
    st.none(),
    st.booleans(),
    TEXTS.map(Talkative),
    TEXTS.map(ValueError),
    TEXTS.map(TryLater),
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS), st.lists(st.integers(), min_size=2000, max_size=2000), st.dictionaries(TEXTS, TEXTS)
)


def logged(event: str, **values: object) -> str:
    """What stands on standard error then."""
    before = structlog.get_config()
    with redirect_stderr(StringIO()) as written:
        journal.configure()
        try:
            structlog.get_logger().warning(event, **values)
        finally:
            structlog.configure(**before)
    return written.getvalue()


def test_a_log_that_cannot_be_written_stops_nothing():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", LOG_ON_A_FULL_DISK], stdout=subprocess.PIPE, stderr=full, text=True, timeout=30
        )
    assert done.stdout == "went on\n"


@given(TEXTS, st.dictionaries(TEXTS.filter(lambda name: name not in ("event", "level", "timestamp")), VALUES))
@example("x", {str(number): HOSTILE[6] for number in range(50)})
@example("\x1b[2J" * 1000, {"why": ValueError(HOSTILE[0]), "exc_info": True, "stack_info": True})
def test_S76_whatever_is_logged_is_one_line_of_json_of_at_most_8_kib(event, values):
    line = logged(event, **values)
    assert line.endswith("\n")
    assert line.isascii()
    assert line[:-1].isprintable()
    assert len(line) <= LONGEST_LINE
    said = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert said["level"] == "warning"


def test_S76_each_field_of_a_line_is_shown_on_one_line_without_what_moves_a_terminal():
    said = json.loads(logged("kept", **{f"value{number}": text for number, text in enumerate(HOSTILE)}))
    assert said["event"] == "kept"
    for value in said.values():
        assert value.isprintable()
    assert FAKE not in logged("kept", value=HOSTILE[5])


ON_A_TERMINAL = """
import sys
import structlog
from mailgate import journal

journal.configure()
structlog.get_logger().warning(*eval(sys.argv[1])[:1], **eval(sys.argv[1])[1])
"""


def test_S76_a_terminal_gets_no_control_characters_either():
    ours, theirs = pty.openpty()
    said = repr(("event " + HOSTILE[1], {f"value{number}": text[:900] for number, text in enumerate(HOSTILE)}))
    environment = os.environ | {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    subprocess.run([sys.executable, "-c", ON_A_TERMINAL, said], stderr=theirs, env=environment, check=True, timeout=30)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # its other end is closed, and all is read
            break
        written += piece
    os.close(ours)
    text = written.decode()
    assert text.count("\r\n") == 1
    plain = structlog_colours_left_out(text.removesuffix("\r\n"))
    assert plain.isprintable()
    assert "owned" in plain


def structlog_colours_left_out(text: str) -> str:
    """Without the colours that structlog itself gives names and levels."""
    return re.sub(r"\x1b\[\d+m", "", text)


def test_S75_a_text_that_quotes_an_address_or_a_key_is_logged_without_it():
    key = "live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
    line = logged("put off", why=TryLater(f"<dora@council.example> by {key}"), mail="dora@council.example", key=key)
    assert "dora" not in line
    assert "26785a09" not in line
    assert json.loads(logged("mail accepted", key="0a" * 32))["key"] == "0a" * 32


def test_a_bugs_own_words_are_never_logged_and_its_place_is():
    with pytest.raises(ValueError, match="dora") as caught:
        raise ValueError("dora@council.example wrote a secret")
    assert journal.why(caught.value).startswith("ValueError at test_journal.py:")
    assert journal.why(TryLater("the store is away")) == "the store is away"
