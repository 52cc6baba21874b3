"""``mailgate db backup`` and ``restore``: what comes back is what was there, without what was erased since (G10)."""

import json
import shutil
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.store import spool
from mailgate.store.backup import MANIFEST
from mailgate.store.engine import Store, open_store
from mailgate.store.erasing import Target
from mailgate.store.erasure import erase
from mailgate.store.keys import load_keys
from mailgate.store.objects import Folder
from mailgate.store.seals import seal_all
from mailgate.store.sqlite import library
from mailgate.tickets.seal import keys_from
from mailgate.tickets.token import Keys
from mailgate.tickets.tombstone import Erased
from tests.cli.conftest import Shell
from tests.store import made

REF, CANARY = "MG-7K3F-99", "canary.person@council.example"


class Place:
    """A gateway's files below *folder*."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell, self.folder, self.database = shell, folder, folder / "mailgate.db"
        where = f"store: {{url: 'sqlite:///{self.database}', raw: '{folder}/raw'}}\nkeys: {folder}/keys\n"
        (shell.config / "mailgate.yml").write_text(where)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        return self.shell("db", *words)

    def store(self) -> Store:
        return open_store(Operator(store=StoreSettings(url=f"sqlite:///{self.database}", raw=f"{self.folder}/raw")))

    def sql(self, statement: str) -> list[Any]:
        with closing(library().connect(str(self.database))) as connection, connection:
            return list(connection.execute(statement))

    def secrets(self) -> Keys:
        keys, current = load_keys(self.folder / "keys")
        return Keys(current, keys)

    def stores_large(self, number: int) -> str:
        """The name of the object of a large mail."""
        mail, content = made.envelope(), b"Subject: %d\r\n\r\nlarge" % number
        key = spool.ingest_key(mail, content)
        name = f"{key}-{number:016x}"
        incoming = Folder(self.folder / "raw").begin()
        incoming.write(content)
        incoming.finish(name)
        with closing(self.store()) as store, store.write() as tx:
            spool.put(tx, [(key, mail, spool.Stored(name, len(content)))])
        return name


@pytest.fixture
def place(mailgate: Shell, tmp_path: Path) -> Place:
    """With a ticket under a seal, that of somebody who will be erased, and a large mail."""
    found = Place(mailgate, tmp_path / "here")
    assert found("upgrade")[0] == 0
    with closing(found.store()) as store:
        made.opened(store, REF)
        made.opened(store, "MG-2346-7T", made.reading(CANARY, subject="canary"))
        list(seal_all(store, keys_from(found.secrets().secrets), made.NOW, 1))
    found.stores_large(1)
    return found


def backed_up(place: Place, folder: Path) -> Path:
    code, said, _ = place("backup", str(folder), "--json")
    assert code == 0
    return Path(json.loads(said)["place"])


def elsewhere(place: Place, folder: Path, *, erased: bool = True) -> Place:
    """Another machine, with the keys of the first and what tells of erasures."""
    shutil.copytree(place.folder / "keys", folder / "keys")
    if erased and (place.folder / "raw" / "erased").exists():
        shutil.copytree(place.folder / "raw" / "erased", folder / "raw" / "erased")
    return Place(place.shell, folder)


def test_a_backup_is_for_our_user_alone_and_says_what_it_holds(place: Place, tmp_path: Path) -> None:
    made_at = backed_up(place, tmp_path / "kept")
    said = json.loads((made_at / MANIFEST).read_text())
    assert said["counts"] == {"tickets": 2, "events": 2, "messages": 2, "raw_mails": 3, "outbox_mails": 2}
    assert (len(said["files"]), said["seal"][:2], said["missing"]) == (1, "1:", [])
    modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("kept/**/*") if each.is_file()}
    assert modes == {0o600}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("kept/**/") if each.is_dir()}
    assert folders == {0o700}
    assert not list(tmp_path.glob("kept/**/k[a-z]"))  # no key


def test_what_is_restored_elsewhere_is_what_was_there(place: Place, tmp_path: Path) -> None:
    tables = ("tickets", "events", "messages", "raw_mails", "outbox_mails", "seals", "sealed_heads", "instance")
    before = {table: place.sql(f"SELECT * FROM {table}") for table in tables}
    backed_up(place, tmp_path / "kept")
    there = elsewhere(place, tmp_path / "there")
    code, said, error = there("restore", str(tmp_path / "kept"))
    assert (code, error) == (0, "")
    assert "2 tickets, 3 mails, 1 of them large." in said
    assert "All is as it was written; the last seal is 1:" in said
    assert "reconcile --since 20" in said
    assert {table: there.sql(f"SELECT * FROM {table}") for table in tables} == before


def test_G10_whoever_was_erased_after_the_backup_stays_erased(place: Place, tmp_path: Path) -> None:
    first = backed_up(place, tmp_path / "kept")
    first = first.rename(first.with_name("20200101T000000Z"))
    with closing(place.store()) as store:
        erase(store, Target(Erased.PERSON, CANARY), place.secrets(), "operator", made.NOW + timedelta(days=1))
    there = elsewhere(place, tmp_path / "there")
    code, said, _ = there("restore", str(first))
    assert (code, "1 erasures that it knew nothing of were done again." in said) == (0, True)
    held = [each for each in (tmp_path / "there").rglob("*") if each.is_file() and b"canary" in each.read_bytes()]
    assert held == []
    without = elsewhere(place, tmp_path / "without", erased=False)
    assert without("restore", str(first))[0] == 0
    assert b"canary" in without.database.read_bytes()  # the search finds what is there
    backed_up(Place(place.shell, place.folder), tmp_path / "kept")
    later = elsewhere(place, tmp_path / "later", erased=False)
    assert "1 erasures" in later("restore", str(first))[1]  # a later backup tells of it


def test_nothing_that_is_there_is_overwritten(place: Place, tmp_path: Path) -> None:
    backed_up(place, tmp_path / "kept")
    code, _, error = place("restore", str(tmp_path / "kept"))
    assert (code, "is there: stop the gateway and move it away" in error) == (2, True)
    there = elsewhere(place, tmp_path / "there")
    (tmp_path / "there" / "mailgate.db-wal").write_bytes(b"of another database")
    assert "mailgate.db-wal is there" in there("restore", str(tmp_path / "kept"))[2]


def test_a_backup_that_was_changed_or_is_incomplete_is_refused(place: Place, tmp_path: Path) -> None:
    first = backed_up(place, tmp_path / "kept")
    there = elsewhere(place, tmp_path / "there")
    copy = first / "mailgate.db"
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "is not what was made by the backup" in there("restore", str(tmp_path / "kept"))[2]
    assert not there.database.exists()
    (first / MANIFEST).unlink()
    assert "has no complete backup" in there("restore", str(tmp_path / "kept"))[2]
    (first / MANIFEST).write_text("{}")
    assert "is not the manifest of a backup" in there("restore", str(first))[2]


def test_large_mails_are_copied_once_and_go_with_the_last_backup_that_names_them(place: Place, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = backed_up(place, kept)
    (one,) = (kept / "raw").glob("*-*")
    inode = one.stat().st_ino
    place.sql("DELETE FROM spool WHERE id = 3")
    place.sql("DELETE FROM raw_mails WHERE id = 3")
    two = place.stores_large(2)
    first.rename(kept / "20200101T000000Z")
    backed_up(place, kept)
    assert {each.name for each in (kept / "raw").glob("*-*")} == {one.name, two}
    assert one.stat().st_ino == inode
    shutil.rmtree(kept / "20200101T000000Z")
    (second,) = kept.glob("2*Z")
    second.rename(kept / "20200102T000000Z")
    backed_up(place, kept)
    assert {each.name for each in (kept / "raw").glob("*-*")} == {two}


def test_a_large_mail_that_is_lost_or_damaged_is_told(place: Place, tmp_path: Path) -> None:
    two = place.stores_large(2)
    (place.folder / "raw" / two).unlink()
    code, said, _ = place("backup", str(tmp_path / "kept"))
    assert (code, f"{two} is not in store.raw" in said) == (1, True)
    (one,) = (tmp_path / "kept" / "raw").glob("*-*")
    one.write_bytes(b"other")
    there = elsewhere(place, tmp_path / "there")
    code, said, _ = there("restore", str(tmp_path / "kept"))
    assert code == 1
    for name in (one.name, two):
        assert f"The large mail {name} is neither in the backup nor in store.raw." in said
    assert "mail 3 has lost its content" in said


def test_a_damaged_database_is_never_backed_up(place: Place, tmp_path: Path) -> None:
    place.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = bytearray(place.database.read_bytes())
    whole[-4096 * 20 :] = bytes(4096 * 20)
    place.database.write_bytes(whole)
    code, _, error = place("backup", str(tmp_path / "kept"))
    assert (code, "damaged" in error) == (2, True)
    assert not list(tmp_path.glob("kept/*/manifest.json"))


def test_postgresql_is_backed_up_by_its_own_means(mailgate: Shell, tmp_path: Path) -> None:
    where = f"store: {{url: 'postgresql+psycopg://nobody@127.0.0.1:1/x', raw: '{tmp_path}/raw'}}\n"
    (mailgate.config / "mailgate.yml").write_text(where)
    code, _, error = mailgate("db", "backup", str(tmp_path / "kept"))
    assert (code, "pg_basebackup or pgBackRest" in error) == (2, True)


def test_without_a_folder_the_store_that_is_there_is_completed(place: Place, mailgate: Shell, tmp_path: Path) -> None:
    code, said, _ = place("restore")
    assert (code, "0 erasures" in said, "reconcile --since DATE" in said) == (0, True, True)
    nowhere = Place(mailgate, tmp_path / "nowhere")
    assert nowhere("restore")[2] == "mailgate: there is no store: name the folder of the backup\n"
    assert not nowhere.database.exists()
