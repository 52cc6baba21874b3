"""When certificates end."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.errors import TryLater
from mailgate.model.config import Operator, Send, Smtp, Tls
from mailgate.workers.certificates import certificates
from tests.certificates import make_certificate
from tests.make import make_config
from tests.servers import free_port


def test_the_end_of_our_own_certificate_is_read_from_its_file(tmp_path) -> None:
    made = make_certificate(tmp_path, "gate.example")
    config = with_operator(smtp=Smtp(tls=Tls(certificate=str(made.file), key=str(made.key))))
    end = certificates(config)["smtp.tls"]()
    assert timedelta(days=1) < end - datetime.now(UTC) <= timedelta(days=2)
    made.file.write_text("no certificate")
    with pytest.raises(TryLater):
        certificates(config)["smtp.tls"]()


def test_a_relay_that_does_not_answer_cannot_be_asked() -> None:
    config = with_operator(send=Send(via=f"smtp://127.0.0.1:{free_port()}?starttls=required"))
    with pytest.raises(TryLater):
        certificates(config)["send.via"]()


def test_a_maildir_has_none() -> None:
    assert certificates(make_config()) == {}


def with_operator(**settings):
    return make_config().model_copy(update={"operator": Operator(**settings)})
