import mailbox

import pytest

from mailgate.errors import TryLater
from mailgate.model.outbound import Attempt
from mailgate.notify.channel import channel_for
from mailgate.notify.maildir import Maildir


def make_attempt(**changes):
    values = {
        "id": 7,
        "token": "t",
        "attempts": 1,
        "sender": "help@city.example",
        "recipient": "ann@city.example",
        "message_id": "<mg.1@city.example>",
        "content": b"Subject: received\r\n\r\nhello\r\n",
    }
    return Attempt(**(values | changes))


def files(folder):
    return sorted(path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file())


def send(channel, attempt=None):
    channel.send(attempt or make_attempt())
    channel.settle()


def test_a_mail_arrives_where_mail_clients_find_it(tmp_path):
    send(Maildir(tmp_path / "out"))
    [mail] = mailbox.Maildir(tmp_path / "out", create=False)
    assert (mail["Subject"], mail["Return-Path"]) == ("received", "<help@city.example>")
    assert mail.get_payload().strip() == "hello"


def test_E140_sending_the_same_row_again_leaves_one_mail(tmp_path):
    for attempts in (1, 2, 3):
        send(Maildir(tmp_path), make_attempt(attempts=attempts))
    assert files(tmp_path) == ["new"]


def test_E140_a_mail_that_a_reader_moved_is_not_sent_again(tmp_path):
    send(Maildir(tmp_path))
    [path] = (tmp_path / "new").iterdir()
    path.rename(tmp_path / "cur" / f"{path.name}:2,S")
    send(Maildir(tmp_path), make_attempt(attempts=2))
    assert files(tmp_path) == ["cur"]


def test_a_new_store_that_numbers_from_one_again_overwrites_nothing(tmp_path):
    send(Maildir(tmp_path))
    send(Maildir(tmp_path), make_attempt(message_id="<mg.2@city.example>"))
    assert files(tmp_path) == ["new", "new"]


def test_a_crash_half_way_leaves_nothing_to_a_reader(tmp_path):
    channel = Maildir(tmp_path)
    send(channel)
    [path] = (tmp_path / "new").iterdir()
    path.rename(tmp_path / "tmp" / path.name)
    send(channel, make_attempt(attempts=2))
    assert files(tmp_path) == ["new"]


def test_G5_a_reader_sees_a_mail_only_when_it_is_settled(tmp_path):
    channel = Maildir(tmp_path)
    channel.send(make_attempt())
    channel.send(make_attempt(message_id="<mg.2@city.example>"))
    assert files(tmp_path) == ["tmp", "tmp"]
    channel.settle()
    assert files(tmp_path) == ["new", "new"]


def test_what_cannot_be_settled_was_not_sent_and_can_be_sent_again(tmp_path):
    channel = Maildir(tmp_path)
    channel.send(make_attempt())
    (tmp_path / "new").rmdir()
    with pytest.raises(TryLater, match="cannot be written"):
        channel.settle()
    send(channel, make_attempt(attempts=2))
    assert files(tmp_path) == ["new"]


def test_a_folder_that_cannot_be_made_is_tried_later(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TryLater, match="cannot be written"):
        channel_for(f"maildir:{tmp_path / 'file'}").send(make_attempt())
