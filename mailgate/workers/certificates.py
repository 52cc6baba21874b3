"""When the certificates and secrets end that we show or are shown."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.model.config import Config
from mailgate.model.operator import ImapAccount
from mailgate.notify.smtp import relay_from

Ending = Callable[[], datetime | None]


def endings(config: Config) -> Mapping[str, Ending]:
    """By key of ``mailgate.yml``, how to ask when it ends: None for nobody knows, TryLater for not now."""
    found: dict[str, Ending] = {}
    if config.operator.smtp.tls:
        found["smtp.tls"] = partial(_of_file, Path(config.operator.smtp.tls.certificate))
    if config.operator.send.via.startswith("smtp://"):
        found["send.via"] = partial(_of_relay, config.operator.send.via)
    for number, account in enumerate(config.operator.imap):
        if account.secret_ends or account.auth == "xoauth2":
            found[f"imap.{number}"] = partial(_of_secret, account)
    return found


def _of_file(path: Path) -> datetime:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise TryLater(f"{path} cannot be read as a certificate") from error


def _of_relay(via: str) -> datetime | None:
    return relay_from(via).certificate_ends_at()


def _of_secret(account: ImapAccount) -> datetime | None:
    """Its certificate says so itself; a client secret says nothing, so the operator may."""
    file = Path(account.secret_file)
    try:
        is_certificate = b"BEGIN CERTIFICATE" in file.read_bytes()
    except OSError as error:
        raise TryLater("secret_file cannot be read") from error
    if is_certificate:
        return _of_file(file)
    return datetime.combine(account.secret_ends, time(), UTC) if account.secret_ends else None
