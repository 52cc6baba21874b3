"""Large mails in a folder and in a bucket: the same promises."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailgate.errors import GiveUp, Refused, TryLater
from mailgate.store.objects import Folder, Objects, open_objects
from mailgate.store.s3 import Bucket
from tests.servers import s3

NAME = 64 * "a" + "-" + 16 * "b"
OTHER = 64 * "c" + "-" + 16 * "d"


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    with s3("mails") as environment:
        yield environment


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    if request.param == "folder":
        return open_objects(f"{tmp_path}/var/raw")
    for name, value in request.getfixturevalue("bucket").items():
        monkeypatch.setenv(name, value)
    return open_objects(f"s3://mails/{tmp_path.name}/raw")


def write(kept: Objects, name: str, *portions: bytes) -> None:
    incoming = kept.begin()
    for portion in portions:
        incoming.write(portion)
    incoming.finish(name)


def test_what_was_written_is_read_listed_and_removed(kept: Objects) -> None:
    kept.make_ready()
    content = os.urandom(3_000_000)
    write(kept, NAME, content[:1_000_000], content[1_000_000:])
    assert kept.read(NAME) == content
    ((name, at),) = kept.kept()
    assert name == NAME
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=60)
    kept.remove(NAME)
    kept.remove(NAME)
    assert list(kept.kept()) == []


def test_G10_a_tombstone_is_found_again_and_is_no_object(kept: Objects) -> None:
    assert list(kept.buried()) == []
    kept.bury("a-person-1")
    kept.bury("a-person-1")
    kept.bury("a-person-2")
    assert sorted(kept.buried()) == ["a-person-1", "a-person-2"]
    assert list(kept.kept()) == []


@pytest.mark.parametrize("name", [NAME, "../../etc/passwd", "", "x"])
def test_what_is_not_there_is_a_sentence_for_a_person(kept: Objects, name: str) -> None:
    write(kept, OTHER, b"x")
    with pytest.raises(GiveUp, match="restore it"):
        kept.read(name)


def test_what_was_discarded_is_not_there(kept: Objects) -> None:
    incoming = kept.begin()
    incoming.write(b"x")
    incoming.discard()
    incoming.discard()
    assert list(kept.kept()) == []


def test_R20_an_object_in_a_bucket_is_never_overwritten(
    bucket: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    kept = Bucket("mails", tmp_path.name)
    write(kept, NAME, b"first")
    write(kept, NAME, b"second")
    assert kept.read(NAME) == b"first"


def test_a_bucket_that_does_not_answer_means_try_later(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:9", "ALLOW_HTTP": "true", "REGION": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    kept = Bucket("mails", "")
    with pytest.raises(TryLater):
        write(kept, NAME, b"x")
    with pytest.raises(TryLater):
        kept.read(NAME)
    with pytest.raises(TryLater):
        list(kept.kept())


def test_at_the_start_files_of_processes_that_are_gone_are_removed_and_no_others(tmp_path: Path) -> None:
    kept = Folder(tmp_path)
    at_work = kept.begin()
    at_work.write(b"x")
    (tmp_path / ("0" * 32 + ".part")).write_bytes(b"half a mail")
    (tmp_path / "notes.txt").write_bytes(b"somebody's")
    write(kept, OTHER, b"whole")
    kept.make_ready()
    assert {file.suffix for file in tmp_path.iterdir()} == {"", ".txt", ".part"}
    at_work.finish(NAME)
    assert {name for name, _ in kept.kept()} == {NAME, OTHER}


def test_S56_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / NAME).symlink_to(tmp_path / "secret")
    with pytest.raises(TryLater):
        Folder(tmp_path).read(NAME)


def test_S56_a_pipe_in_the_folder_is_nothing_to_wait_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    os.mkfifo(tmp_path / (32 * "0" + ".part"))
    kept = Folder(tmp_path)
    kept.make_ready()
    with pytest.raises(GiveUp):
        kept.read(NAME)


@pytest.mark.parametrize("place", ["s3:bucket", "s3://", "s3:///prefix"])
def test_a_bucket_without_a_name_is_refused(place: str) -> None:
    with pytest.raises(Refused, match=r"store\.raw"):
        open_objects(place)


def test_a_folder_that_cannot_be_used_is_refused_at_the_start() -> None:
    with pytest.raises(Refused, match=r"store\.raw"):
        Folder(Path("/proc/nowhere/raw")).make_ready()
