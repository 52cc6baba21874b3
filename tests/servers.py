"""Private servers for tests: started on a free loopback port, ended by process id."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

POSTGRESQL_MISSING = "PostgreSQL is not installed: make services"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "10s",
}


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a fresh PostgreSQL cluster that nobody else uses; skips where PostgreSQL is not installed."""
    programs = found_postgresql()
    folder = Path(tempfile.mkdtemp(prefix="mailgate-postgresql-"))
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        as_postgres(programs / "initdb", "-D", data, "-U", "mailgate", "-A", "trust", "-E", "UTF8", "--locale=C")
        port = free_port()
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -c unix_socket_directories= -p {port}"
        as_postgres(programs / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", options)
        try:
            yield f"postgresql+psycopg://mailgate@127.0.0.1:{port}/postgres"
        finally:
            as_postgres(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def s3(bucket: str) -> Iterator[dict[str, str]]:
    """A server that speaks S3, with an empty *bucket*, and the environment by which it is reached."""
    try:
        import boto3
        from moto.server import ThreadedMotoServer
    except ImportError:
        pytest.skip("moto is not installed: pip install 'moto[server]'")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket=bucket)
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            **{name.upper(): value for name, value in keys.items()},
        }
    finally:
        server.stop()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def found_postgresql() -> Path:
    """The folder with initdb and pg_ctl of the newest PostgreSQL, which Debian keeps off the PATH; skips without."""
    versions = Path("/usr/lib/postgresql")
    folders = sorted(versions.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*folders, *([Path(on_path).parent] if on_path else [])]
    found = next((folder for folder in candidates if (folder / "initdb").exists()), None)
    if found is None:
        pytest.skip(POSTGRESQL_MISSING)
    return found


def as_postgres(program: Path, *arguments: object) -> None:
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*become, str(program), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
