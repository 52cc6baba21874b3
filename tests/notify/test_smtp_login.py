"""Submission to a relay that sends for those it knows: OAuth 2, limits, the Message-ID it gives (E58, E62, E124)."""

import base64
import smtplib

import pytest

from mailgate.errors import Away, NotNow, Refused, TryLater
from mailgate.notify.channel import channel_for
from mailgate.notify.smtp import SUBMISSION, Relay, password, xoauth2
from tests.notify.test_smtp_delivery import ATTEMPT, ScriptedRelay

USER = "helpdesk@council.example"


class Submission(ScriptedRelay):
    """Offers AUTH and notes what it hears; *refuses* answers a login after its challenge, as Exchange does."""

    def __init__(self, refuses: str = "", **answers: str | None) -> None:
        self.logins: list[str] = []
        self.refuses = refuses
        super().__init__(EHLO="250-relay\r\n250 AUTH XOAUTH2 LOGIN PLAIN", **answers)

    def _talk(self, lines) -> None:
        self.lines = lines
        super()._talk(lines)

    def _say(self, lines, name: str, usual: str) -> bool:
        if name != "AUTH":
            return super()._say(lines, name, usual)
        if self.refuses.startswith("334"):
            lines.write(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n")
            self.logins.append(lines.readline().decode().strip())
            lines.write(self.refuses[4:].encode() + b"\r\n")
            return True
        lines.write((self.refuses or "235 2.7.0 ok").encode() + b"\r\n")
        return True


def relay(login=None, **answers):
    there = Submission(**answers)
    return there, Relay("127.0.0.1", there.port, login=login, timeout_seconds=5, reply_timeout_seconds=5)


def test_E62_a_token_is_the_first_thing_it_says(monkeypatch):
    said = []
    real = smtplib.SMTP.docmd
    monkeypatch.setattr(smtplib.SMTP, "docmd", lambda self, *words: (said.append(words), real(self, *words))[1])
    there, channel = relay(xoauth2(USER, lambda: "token-1"))
    channel.send(ATTEMPT)
    [auth] = [words[1] for words in said if words[0] == "AUTH"]
    assert auth.split()[0] == "XOAUTH2"
    assert base64.b64decode(auth.split()[1]) == b"user=helpdesk@council.example\x01auth=Bearer token-1\x01\x01"
    assert len(there.mails) == 1


@pytest.mark.parametrize("reply", ["535 5.7.3 no", "535 5.7.139 SmtpClientAuthentication is disabled"])
def test_E62_a_refused_token_is_for_people_and_the_challenge_is_answered_with_nothing(reply):
    there, channel = relay(xoauth2(USER, lambda: "token-1"), refuses=f"334 {reply}")
    with pytest.raises(NotNow) as refused:
        channel.send(ATTEMPT)
    assert refused.value.for_people
    assert ("switched off" in str(refused.value)) == ("139" in reply)
    assert "token-1" not in str(refused.value)
    assert (there.logins, there.mails) == ([""], [])


def test_a_login_that_is_put_off_is_tried_later():
    _, channel = relay(password(USER, lambda: "secret"), refuses="454 4.7.0 later")
    with pytest.raises(Away):
        channel.send(ATTEMPT)


@pytest.mark.parametrize(("error", "expected"), [(Refused("no token"), NotNow), (TryLater("no answer"), Away)])
def test_a_token_that_is_not_given_sends_nothing(error, expected):
    def token() -> str:
        raise error

    there, channel = relay(xoauth2(USER, token))
    with pytest.raises(expected):
        channel.send(ATTEMPT)
    assert there.mails == []


@pytest.mark.parametrize(
    ("reply", "seconds", "for_people"),
    [("554 5.2.0 SubmissionQuotaExceeded", 3600, True), ("432 4.3.2 too many connections", 60, False)],
)
def test_E58_a_quota_rests_the_way_and_not_one_mail(reply, seconds, for_people):
    _, channel = relay(password(USER, lambda: "secret"), dot=reply)
    with pytest.raises(NotNow) as refused:
        channel.send(ATTEMPT)
    assert (refused.value.seconds, refused.value.for_people) == (seconds, for_people)


def test_E58_thirty_mails_a_minute_and_no_more():
    assert SUBMISSION.burst + 60 / SUBMISSION.seconds <= 30
    assert relay(password(USER, str))[1].pace is SUBMISSION
    assert relay()[1].pace is None


@pytest.mark.parametrize(
    ("reply", "learnt"),
    [
        ("250 2.0.0 OK <LO2P1@EURP.PROD.OUTLOOK.COM> [Hostname=LO2P1.prod]", "<LO2P1@EURP.PROD.OUTLOOK.COM>"),
        ("250 2.0.0 OK <mg.1@city.example>", ""),
        ("250 2.0.0 queued as 4Xyz", ""),
    ],
)
def test_E124_the_id_that_a_relay_gives_is_learnt(reply, learnt):
    _, channel = relay(dot=reply)
    assert channel.send(ATTEMPT) == learnt


def test_a_secret_never_crosses_a_network_in_the_open():
    with pytest.raises(Refused, match="starttls"):
        channel_for("smtp://relay.example:25", password(USER, lambda: "secret"))


def test_a_probe_logs_in_and_sends_nothing():
    there, channel = relay(xoauth2(USER, lambda: "token-1"))
    channel.probe()
    assert (there.connections, there.mails) == (1, [])
    with pytest.raises(Away):
        Relay("127.0.0.1", 1).probe()
