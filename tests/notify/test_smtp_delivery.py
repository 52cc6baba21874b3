"""The relay's answers, from a relay that says what the test tells it to."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.errors import GiveUp, Refused, TryLater, Uncertain
from mailgate.model.outbound import Attempt
from mailgate.notify.channel import channel_for
from mailgate.notify.smtp import Relay, on_the_wire

ATTEMPT = Attempt(
    id=7,
    token="t",
    attempts=1,
    sender="",
    recipient="ann@city.example",
    message_id="<mg.1@city.example>",
    content=b"Subject: x\r\n\r\n.dot\r\n",
)


class ScriptedRelay:
    """Speaks SMTP; *answers* replaces its reply to a verb ("" is the banner, "." the final dot), None hangs up."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = {name.replace("dot", ".").replace("banner", ""): text for name, text in answers.items()}
        self.connections = 0
        self.mails: list[bytes] = []
        self.verbs: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with peer, peer.makefile("rwb", buffering=0) as lines:
                self._talk(lines)

    def _talk(self, lines) -> None:
        if not self._say(lines, "", "220 relay"):
            return
        for line in lines:
            verb = line.split()[0].decode().upper()
            self.verbs.append(verb)
            if verb == "QUIT" or not self._say(lines, verb, "354 go" if verb == "DATA" else "250 ok"):
                return
            if verb == "DATA" and self.answers.get("DATA", "354").startswith("354"):
                mail = []
                while (part := lines.readline()) != b".\r\n":
                    if not part:
                        return
                    mail.append(part)
                if (self.answers.get(".", "250") or "").startswith("250"):
                    self.mails.append(b"".join(mail))
                if not self._say(lines, ".", "250 ok"):
                    return

    def _say(self, lines, name: str, usual: str) -> bool:
        answer = self.answers.get(name, usual)
        if answer is not None:
            lines.write(answer.encode() + b"\r\n")
        return answer is not None


@contextmanager
def relay(**answers: str | None):
    scripted = ScriptedRelay(**answers)
    channel = Relay("127.0.0.1", scripted.port, timeout_seconds=5, reply_timeout_seconds=5)
    try:
        yield scripted, channel
    finally:
        channel.close()
        scripted.close()


def test_a_mail_is_handed_over_with_its_dots():
    with relay() as (scripted, channel):
        channel.send(ATTEMPT)
    assert scripted.mails == [b"Subject: x\r\n\r\n..dot\r\n"]


def test_a_connection_is_kept_for_the_next_mail():
    with relay() as (scripted, channel):
        channel.send(ATTEMPT)
        channel.send(ATTEMPT)
    assert (scripted.connections, len(scripted.mails)) == (1, 2)


def test_a_kept_connection_that_ended_is_made_anew():
    with relay() as (scripted, channel):
        channel.send(ATTEMPT)
        scripted.answers["MAIL"] = "421 too long idle"
        with pytest.raises(TryLater):
            channel.send(ATTEMPT)
        del scripted.answers["MAIL"]
        channel.send(ATTEMPT)
    assert len(scripted.mails) == 2


@pytest.mark.parametrize(
    "greeting", [{}, {"EHLO": "250-relay\r\n250 PIPELINING"}], ids=["one by one", "together (RFC 2920)"]
)
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"banner": "421 busy"}, TryLater),
        ({"banner": "554 not you"}, TryLater),
        ({"banner": None}, TryLater),
        ({"MAIL": "451 later"}, TryLater),
        ({"MAIL": "550 no"}, GiveUp),
        ({"RCPT": "452 full"}, TryLater),
        ({"RCPT": "550 unknown"}, GiveUp),
        ({"RCPT": None}, TryLater),
        ({"DATA": "451 later"}, TryLater),
        ({"DATA": "554 no"}, GiveUp),
        ({"DATA": None}, TryLater),
        ({"dot": "451 later"}, TryLater),
        ({"dot": "554 spam"}, GiveUp),
        ({"dot": None}, Uncertain),
    ],
)
def test_E140_each_answer_of_a_relay_has_its_word(answers, expected, greeting):
    with relay(**answers, **greeting) as (scripted, channel):
        with pytest.raises(expected):
            channel.send(ATTEMPT)
        scripted.answers = dict(greeting)
        channel.send(ATTEMPT)
    assert len(scripted.mails) == 1


def test_commands_go_together_where_the_relay_takes_that():
    with relay(EHLO="250-relay\r\n250 PIPELINING") as (scripted, channel):
        channel.send(ATTEMPT)
        channel.send(ATTEMPT)
    assert scripted.verbs == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"]
    assert scripted.mails == 2 * [b"Subject: x\r\n\r\n..dot\r\n"]


def test_S46_an_address_with_a_line_end_never_reaches_the_relay():
    with relay() as (scripted, channel):
        with pytest.raises(GiveUp, match="line end"):
            channel.send(replace(ATTEMPT, recipient="ann@city.example>\r\nRCPT TO:<bob@city.example"))
        assert "RCPT" not in scripted.verbs


def test_a_relay_that_is_not_there_is_tried_later():
    with pytest.raises(TryLater, match="cannot be reached"):
        channel_for("smtp://127.0.0.1:1").send(ATTEMPT)


def test_starttls_that_is_required_and_not_offered_sends_nothing():
    with relay() as (scripted, _):
        with pytest.raises(TryLater):
            channel_for(f"smtp://127.0.0.1:{scripted.port}?starttls=required").send(ATTEMPT)
        assert scripted.mails == []


@pytest.mark.parametrize(
    "via",
    [
        "",
        "maildir:",
        "smtp://",
        "smtp://host?starttls=maybe",
        "smtp://host?tls=yes",
        "mbox:x",
        "smtp://host:99999",
        "smtp://host:x",
    ],
)
def test_a_way_out_that_is_not_understood_is_refused(via):
    with pytest.raises(Refused, match=r"send\.via"):
        channel_for(via)


@given(st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"a", b".."])).map(b"".join))
def test_E22_only_the_end_of_a_mail_looks_like_one(content):
    wire = on_the_wire(content)
    assert wire.endswith(b"\r\n.\r\n")
    assert b"\r\n.\r\n" not in wire[:-1]
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")
