"""An upgrade node by node: gateways of two versions on one PostgreSQL, whose tables the newer one has added to."""

import shutil
import smtplib
from contextlib import contextmanager

import psycopg
import pytest

from mailgate.store import schema
from tests import servers
from tests.gateway import MAILBOX, ROOT, Gateway, wait_until

MIGRATION = f'''
"""What a later version may add: a column, a table, an index."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9000", "{schema.HEAD}"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("colour", sa.Text))
    op.add_column("spool", sa.Column("weight", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_tickets_colour", "tickets", ["colour"])
    op.create_table("colours", sa.Column("name", sa.Text, primary_key=True))
'''


def newer(folder, compatible_from):
    """The program as a later version, and where it is."""
    shutil.copytree(ROOT / "mailgate", folder / "mailgate", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "mailgate/store/migrations/versions/9000_later.py").write_text(MIGRATION)
    head = folder / "mailgate/store/schema.py"
    said = head.read_text().replace(f'HEAD = "{schema.HEAD}"', 'HEAD = "9000"', 1)
    said = said.replace(f'COMPATIBLE_FROM = "{schema.COMPATIBLE_FROM}"', f'COMPATIBLE_FROM = "{compatible_from}"', 1)
    head.write_text(said)
    return str(folder)


@contextmanager
def two(tmp_path, url, compatible_from):
    shared = {
        "MAILGATE_STORE__URL": url,
        "MAILGATE_STORE__RAW": str(tmp_path / "raw"),
        "MAILGATE_KEYS": str(tmp_path / "keys"),
        "MAILGATE_SEND__VIA": f"maildir:{tmp_path / 'outbox'}",
    }
    folders = [tmp_path / name for name in ("old", "new", "program")]
    for folder in folders:
        folder.mkdir()
    old = Gateway(folders[0], **shared)
    new = Gateway(folders[1], **shared, PYTHONPATH=newer(folders[2], compatible_from))
    try:
        yield old, new
    finally:
        for each in (old, new):
            if each._process is not None and each.process.poll() is None:
                each.kill()


def send(node, numbers):
    with smtplib.SMTP("127.0.0.1", node.port) as client:
        for number in numbers:
            sender, body = f"a{number}@justice.example", f"Please help with matter {number}.\r\n"
            head = f"From: {sender}\r\nMessage-ID: <{number}@justice.example>\r\nSubject: Matter {number}\r\n"
            client.sendmail(sender, [MAILBOX], f"{head}\r\n{body}")


@pytest.fixture
def postgresql():
    with servers.postgresql() as url:
        yield url


def asked(url, query):
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query).fetchall()


def decided(url):
    return asked(url, "SELECT count(*) FROM tickets")[0][0]


def test_old_and_new_nodes_work_side_by_side_where_tables_only_grew(tmp_path, postgresql):
    with two(tmp_path, postgresql, schema.COMPATIBLE_FROM) as (old, new):
        old.start()
        send(old, range(5))
        wait_until(lambda: decided(postgresql) == 5)
        new.start()  # brings the tables up to date under the old one
        assert asked(postgresql, "SELECT version_num FROM alembic_version") == [("9000",)]
        for begin in (5, 15):
            send(old, range(begin, begin + 5))
            send(new, range(begin + 5, begin + 10))
            wait_until(lambda begin=begin: decided(postgresql) == begin + 10)
        assert old.stop() == 0  # what it began is finished
        old.start()  # an old one that is started again, say by a node that moved
        assert new.stop() == 0
        send(old, range(25, 30))
        wait_until(lambda: decided(postgresql) == 30)
        assert asked(postgresql, "SELECT count(*) FROM spool WHERE state <> 'done'") == [(0,)]
        wait_until(lambda: len(list((tmp_path / "outbox/new").iterdir())) >= 30)
        assert old.stop() == 0
        assert "a worker failed" not in old.log() + new.log()


def test_an_old_node_refuses_tables_that_it_cannot_work_with(tmp_path, postgresql):
    with two(tmp_path, postgresql, "9000") as (old, new):
        new.start()
        assert new.stop() == 0
        old.start(wait=False)
        assert old.process.wait(60) != 0
        assert "newer mailgate" in old.log()
