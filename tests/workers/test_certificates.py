"""When certificates end."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.errors import TryLater
from mailgate.model.operator import ImapAccount, Operator, Send, Smtp, Tls
from mailgate.workers.certificates import endings
from tests.certificates import make_certificate
from tests.make import make_config
from tests.servers import free_port


def test_the_end_of_our_own_certificate_is_read_from_its_file(tmp_path) -> None:
    made = make_certificate(tmp_path, "gate.example")
    config = with_operator(smtp=Smtp(tls=Tls(certificate=str(made.file), key=str(made.key))))
    end = endings(config)["smtp.tls"]()
    assert timedelta(days=1) < end - datetime.now(UTC) <= timedelta(days=2)
    made.file.write_text("no certificate")
    with pytest.raises(TryLater):
        endings(config)["smtp.tls"]()


def test_a_relay_that_does_not_answer_cannot_be_asked() -> None:
    config = with_operator(send=Send(via=f"smtp://127.0.0.1:{free_port()}?starttls=required"))
    with pytest.raises(TryLater):
        endings(config)["send.via"]()


def test_a_maildir_has_none() -> None:
    assert endings(make_config()) == {}


ACCOUNT = {"mailbox": "helpdesk@council.example", "host": "x", "user": "u", "tenant": "t", "client_id": "c"}


def test_E55_the_end_of_a_credential_is_read_or_told(tmp_path) -> None:
    def end(**settings):
        account = ImapAccount.model_validate({**ACCOUNT, "secret_file": str(tmp_path / "secret"), **settings})
        return endings(with_operator(imap=(account,)))["imap.0"]()

    with pytest.raises(TryLater):
        end(auth="xoauth2")
    (tmp_path / "secret").write_text("a client's secret")
    assert end(auth="xoauth2") is None
    assert end(auth="xoauth2", secret_ends="2027-05-31") == datetime(2027, 5, 31, tzinfo=UTC)
    made = make_certificate(tmp_path, "client")
    (tmp_path / "secret").write_bytes(made.key.read_bytes() + made.file.read_bytes())
    assert end(auth="xoauth2", secret_ends="2027-05-31") < datetime.now(UTC) + timedelta(days=2)


def test_a_password_without_an_end_has_none() -> None:
    account = ImapAccount.model_validate({**ACCOUNT, "secret_file": "none"})
    assert endings(with_operator(imap=(account,))) == {}


def with_operator(**settings):
    return make_config().model_copy(update={"operator": Operator(**settings)})
