"""How we log in to a real Dovecot, and what each refusal means (E55-E57, E61)."""

import pytest

from mailgate.errors import Refused, TryLater
from mailgate.ingest.imap import MailFolder
from tests.certificates import make_certificate
from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.fakes import introspection
from tests.make import HELPDESK

OAUTH = {"auth": "xoauth2", "tenant": "t", "client_id": "c"}


@pytest.fixture(scope="module")
def tokens():
    return {"ours": HELPDESK, "theirs": "other@council.example"}


@pytest.fixture(scope="module")
def server(tokens):
    with introspection(tokens) as url, dovecot(introspection=url) as running:
        yield running


def opened(server: Dovecot, secret: str, **settings: object) -> MailFolder:
    return MailFolder(server.account(**settings), lambda: secret)


def test_a_password_opens_the_folder(server):
    folder = opened(server, PASSWORD)
    assert (folder.place.name, folder.place.uidvalidity > 0, folder.list()) == ("INBOX", True, [])
    folder.close()


def test_E61_a_token_opens_the_folder(server):
    opened(server, "ours", **OAUTH).close()


@pytest.mark.parametrize("token", ["expired", "theirs"])
def test_E57_an_expired_or_foreign_token_is_refused_in_one_sentence(server, token):
    with pytest.raises(Refused, match="refuses the login") as refusal:
        opened(server, token, **OAUTH)
    assert token not in str(refusal.value)


def test_a_wrong_password_is_refused(server):
    with pytest.raises(Refused, match="refuses the login"):
        opened(server, "wrong")


def test_a_folder_that_does_not_exist_is_refused(server):
    with pytest.raises(Refused, match=r"imap\.folder"):
        opened(server, PASSWORD, folder="Nowhere")


def test_an_introspection_that_is_down_is_no_mistake_of_ours():
    with dovecot() as server, pytest.raises(TryLater, match="cannot check logins"):
        opened(server, "ours", **OAUTH)


def test_nobody_listening_is_tried_later(tmp_path):
    with pytest.raises(TryLater, match="cannot be reached"):
        MailFolder(Dovecot(9, 9, tmp_path).account(), lambda: "")


def test_TLS_needs_a_valid_certificate(tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path, "localhost")
    with dovecot(certificate=certificate) as server:
        with pytest.raises(Refused, match="certificate"):
            opened(server, PASSWORD, host="localhost", port=server.tls_port, ssl=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        opened(server, PASSWORD, host="localhost", port=server.tls_port, ssl=True).close()
