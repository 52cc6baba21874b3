"""A private PgBouncer in transaction mode in front of a PostgreSQL of a test, on a free loopback port."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.servers import free_port

WITHIN_SECONDS = 20.0
SERVER_CONNECTIONS = 6  # fewer than a gateway has connections of its own: they change hands all the time


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Yields what stands in ``store.url`` then; skips where PgBouncer is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: make services")
    server, port = make_url(url), free_port()
    folder = Path(tempfile.mkdtemp(prefix="mailgate-pgbouncer-"))
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": SERVER_CONNECTIONS,
        "logfile": folder / "log",
    }
    database = f"* = host={server.host} port={server.port} user={server.username}"
    lines = ["[databases]", database, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())]
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        identity = {"user": "postgres", "group": "postgres", "extra_groups": ()}
    process = subprocess.Popen([program, "-q", folder / "pgbouncer.ini"], cwd="/", **identity)
    try:
        _wait_for(port)
        yield server.set(port=port, query={"pooler": "transaction"}).render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(WITHIN_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError("PgBouncer does not listen")
