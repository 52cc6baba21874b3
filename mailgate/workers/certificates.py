"""When the certificates end that we show or are shown."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.model.config import Config
from mailgate.notify.smtp import relay_from

Ending = Callable[[], datetime | None]


def certificates(config: Config) -> Mapping[str, Ending]:
    """By name, how to ask when it ends: None where there is none, TryLater where nobody can say now."""
    found: dict[str, Ending] = {}
    if config.operator.smtp.tls:
        found["smtp.tls"] = partial(_of_file, Path(config.operator.smtp.tls.certificate))
    if config.operator.send.via.startswith("smtp://"):
        found["send.via"] = partial(_of_relay, config.operator.send.via)
    return found


def _of_file(path: Path) -> datetime:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise TryLater(f"{path} cannot be read as a certificate") from error


def _of_relay(via: str) -> datetime | None:
    return relay_from(via).certificate_ends_at()
