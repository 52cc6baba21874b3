"""Certificates for tests, made by the openssl program."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path


def make_certificate(folder: Path, name: str, issuer: Certificate | None = None) -> Certificate:
    """A certificate for the host *name*, signed by *issuer* or by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: make services")
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    signed = ["-CA", issuer.file, "-CAkey", issuer.key] if issuer else []
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", *signed),
            *("-keyout", made.key, "-out", made.file),
        ],
        check=True,
        capture_output=True,
    )
    return made


def trusting(authority: Certificate, shown: Certificate | None = None) -> ssl.SSLContext:
    """A client's side: it trusts *authority* and shows the certificate *shown*."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if shown:
        context.load_cert_chain(shown.file, shown.key)
    return context
