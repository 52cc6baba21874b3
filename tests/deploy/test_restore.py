"""Backup and restore as docs/operations.md describes them, with whole gateways."""

import json
import os
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from mailgate.store.keys import load_keys
from tests.gateway import MAILBOX, Gateway, gateway, wait_until
from tests.servers import as_postgres, found_postgresql, free_port

MAIL = "From: ann@justice.example\nTo: {to}\nSubject: {subject}\nMessage-ID: <{n}@justice.example>\n\nPlease.\n"


def sent(running: Gateway, number: int, subject: str) -> None:
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        client.sendmail("ann@justice.example", MAILBOX, MAIL.format(to=MAILBOX, subject=subject, n=number))
    wait_until(running.is_idle)


def shown(running: Gateway, *command: str) -> object:
    return json.loads(running.command(*command, "--json").stdout)


def test_a_gateway_on_the_copy_of_a_stopped_ones_folder_goes_on_where_that_was(tmp_path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with gateway(before) as running:
        sent(running, 1, "warning letter")
        (ticket,) = shown(running, "ticket", "list")  # type: ignore[misc]
        history = shown(running, "ticket", "show", ticket["ref"])
        assert running.stop() == 0
    shutil.copytree(before, after)
    with gateway(after) as running:
        assert shown(running, "ticket", "list") == [ticket]
        assert shown(running, "ticket", "show", ticket["ref"]) == history
        assert load_keys(after / "keys") == load_keys(before / "keys")
        sent(running, 1, "warning letter")
        assert shown(running, "ticket", "list") == [ticket]  # known already: the same mail
        sent(running, 2, f"Re: [{ticket['ref']}] warning letter")
        assert [each["ref"] for each in shown(running, "ticket", "list")] == [ticket["ref"]]  # type: ignore[attr-defined]


# ---------------------------------------------------------------- PostgreSQL, by its own means


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that PostgreSQL's own user can reach."""
    made = Path(tempfile.mkdtemp(prefix="mailgate-restore-"))
    if os.geteuid() == 0:
        shutil.chown(made, "postgres", "postgres")
        made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextmanager
def started(data: Path) -> Iterator[str]:
    """The URL of the cluster in *data*."""
    programs, port = found_postgresql(), free_port()
    options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories= -p {port}"
    as_postgres(programs / "pg_ctl", "start", "-w", "-D", data, "-l", data.parent / "log", "-o", options)
    try:
        yield f"postgresql://mailgate@127.0.0.1:{port}/postgres"
    finally:
        as_postgres(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def on(url: str) -> dict[str, str]:
    return {"MAILGATE_STORE__URL": url.replace("postgresql:", "postgresql+psycopg:")}


def configured(data: Path, **settings: str) -> None:
    """Add *settings* to those of the cluster in *data*, as its own user."""
    with open(data / "postgresql.auto.conf", "a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def send(running: Gateway, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        raw = MAIL.format(to=MAILBOX, subject=f"warning letter for matter {number}", n=number)
        client.sendmail(f"person{number}@justice.example", MAILBOX, raw.replace("ann@", f"person{number}@", 1))


def requesters(running: Gateway) -> list[str]:
    return sorted(ticket["requester"] for ticket in shown(running, "ticket", "list"))  # type: ignore[attr-defined]


def test_a_base_backup_under_load_and_its_wal_bring_back_a_point_in_time(folder: Path, tmp_path: Path) -> None:
    programs, first, base, archive = found_postgresql(), folder / "first", folder / "base", folder / "archive"
    as_postgres(programs / "initdb", "--no-sync", "-D", first, "-U", "mailgate", "-A", "trust", "-E", "UTF8")
    as_postgres("/bin/mkdir", archive)
    configured(first, archive_mode="on", archive_command=f"cp %p {archive}/%f")
    (tmp_path / "before").mkdir()
    with started(first) as url, gateway(tmp_path / "before", **on(url)) as running:
        taken, enough = list[int](), Event()

        def load() -> None:
            for number in range(1, 200):
                if enough.is_set():
                    return
                send(running, number)
                taken.append(number)

        sender = Thread(target=load)
        sender.start()
        as_postgres(programs / "pg_basebackup", "--no-sync", "-D", base, "-d", url, "-X", "stream", "-c", "fast")
        enough.set()
        sender.join()
        wait_until(lambda: len(requesters(running)) == len(taken))
        with psycopg.connect(url, autocommit=True) as connection:
            (point,) = connection.execute("SELECT clock_timestamp()").fetchone() or ("",)
        send(running, 999)
        wait_until(lambda: "person999@justice.example" in requesters(running))
        running.kill()
        with psycopg.connect(url, autocommit=True) as connection:
            (last,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
            archived = "SELECT last_archived_wal FROM pg_stat_archiver WHERE last_archived_wal >= %s"
            wait_until(lambda: connection.execute(archived, [last]).fetchone() is not None)
    configured(
        base,
        restore_command=f"cp {archive}/%f %p",
        recovery_target_time=str(point),
        recovery_target_action="promote",
        archive_mode="off",
    )
    as_postgres("/bin/touch", base / "recovery.signal")
    shutil.copytree(tmp_path / "before" / "keys", tmp_path / "after" / "keys")
    with started(base) as url:
        after = Gateway(tmp_path / "after", **on(url))
        wait_until(lambda: not _is_in_recovery(url))
        restored = after.command("db", "restore")
        assert (restored.returncode, b"All is as it was written" in restored.stdout) == (0, True)
        assert requesters(after) == sorted(f"person{number}@justice.example" for number in taken)
        try:
            after.start()
            send(after, taken[0])  # known already
            send(after, 999)
            wait_until(lambda: len(requesters(after)) == len(taken) + 1)
            assert after.command("db", "verify").returncode == 0
        finally:
            after.kill()


def _is_in_recovery(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
