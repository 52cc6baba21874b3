import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate.errors import Refused
from mailgate.ingest.files import envelope_of, read_mails
from mailgate.model.config import Config, Mailbox, Service
from mailgate.model.message import Address, Message

AT = datetime(2026, 11, 21, tzinfo=UTC)
CONFIG = Config(
    version="1", service=Service(mailboxes={"help@x.example": Mailbox(team="a")}, send_from="tickets@x.example")
)


def test_a_folder_is_read_in_order_of_name_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "b.eml").write_bytes(b"Subject: b\n\n")
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / "a.expected.yml").write_text("x: y")
    (tmp_path / "c.eml").symlink_to(tmp_path / "a.eml")
    os.mkfifo(tmp_path / "d.eml")
    assert [(Path(name).name, raw[9:10]) for name, raw in read_mails([tmp_path])] == [("a.eml", b"a"), ("b.eml", b"b")]


def test_S56_a_named_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.eml").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="name a readable mail file"):
        list(read_mails([tmp_path / "c.eml"]))


def test_an_mbox_is_its_mails(tmp_path: Path) -> None:
    box = tmp_path / "old.mbox"
    box.write_bytes(
        b"From a Sat Nov 21 10:15:00 2026\nSubject: 1\n\n>From here\n\n"
        b"From b Sat Nov 21 10:15:00 2026\nSubject: 2\n\nx\n"
    )
    assert [raw for _, raw in read_mails([box])] == [b"Subject: 1\n\nFrom here\n\n", b"Subject: 2\n\nx\n"]


def test_a_maildir_is_its_new_and_cur(tmp_path: Path) -> None:
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.1").write_bytes(folder.encode())
    assert [raw for _, raw in read_mails([tmp_path])] == [b"cur", b"new"]


def test_the_envelope_of_a_file_is_read_from_its_headers() -> None:
    message = Message(
        "<1@x>",
        from_=Address("ann@x.example"),
        to=(Address("help+7k3f99-1-ax@x.example"), Address("other@y.example")),
        cc=(Address("tickets@x.example"),),
        headers={"return-path": ("<>",)},
    )
    envelope = envelope_of(message, CONFIG, AT, None)
    assert (envelope.sender, envelope.recipients) == ("", ("help+7k3f99-1-ax@x.example", "tickets@x.example"))
    assert envelope.vouched


def test_a_file_for_nobody_of_ours_goes_to_the_mailbox_that_was_named() -> None:
    message = Message("<1@x>", from_=Address("ann@x.example"))
    assert envelope_of(message, CONFIG, AT, "help@x.example").recipients == ("help@x.example",)
    assert envelope_of(message, CONFIG, AT, None).recipients == ()


def test_a_single_mail_that_quotes_a_separator_line_stays_one(tmp_path: Path) -> None:
    mail = tmp_path / "returned.eml"
    mail.write_bytes(
        b"From a@x Thu Apr 29 23:34:45 2015\nSubject: one\n\nit says:\n\nFrom b@x Thu Apr 29 23:34:45 2015\n"
    )
    assert len(list(read_mails([mail]))) == 1
