"""``mailgate db``: is everything what was written?"""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mailgate.store.keys import load_keys
from mailgate.store.seals import seal_all
from mailgate.store.sqlite import library
from mailgate.tickets.seal import keys_from
from tests.cli.conftest import Shell
from tests.store import made
from tests.store.conftest import opened

REF = "MG-7K3F-99"


@pytest.fixture
def shell(mailgate: Shell, tmp_path: Path) -> Shell:
    """With one ticket under one seal."""
    place = f"store: {{url: 'sqlite:///{tmp_path}/var/mailgate.db', raw: '{tmp_path}/raw'}}\nkeys: {tmp_path}/keys\n"
    (mailgate.config / "mailgate.yml").write_text(place)
    assert mailgate("db", "upgrade")[:2] == (0, "The store is up to date now.\n")
    keys, _ = load_keys(tmp_path / "keys")
    with closing(opened(f"sqlite:///{tmp_path}/var/mailgate.db")) as store:
        made.opened(store, REF)
        list(seal_all(store, keys_from(keys), made.NOW, 1))
    return mailgate


def sql(folder: Path, statement: str) -> list[Any]:
    with closing(library().connect(str(folder / "var/mailgate.db"))) as connection, connection:
        return list(connection.execute(statement))


def test_S77_verify_says_that_all_is_well_and_then_what_is_not(shell: Shell, tmp_path: Path) -> None:
    ((made_then,),) = sql(tmp_path, "SELECT seal FROM seals")
    seal = made_then.hex(".", 4)
    found = shell("db", "verify")
    assert found[0] == 0
    assert (
        found[1]
        == f"1 tickets, 1 events, 1 seals, 0 large mails.\nAll is as it was written; the last seal is 1:{seal}.\n"
    )
    assert shell("db", "verify", "--seal", f"1:{seal}")[0] == 0
    assert shell("db", "verify", "--seal", f"2:{seal}")[:2] == (
        1,
        "seal 2 was written down and is gone, with what came after it.\n1 tickets, 1 events, 1 seals, 0 large mails.\n"
        "1 findings: see docs/operations.md, Backup and restore.\n",
    )
    sql(tmp_path, "UPDATE events SET at = at + 1")
    assert shell("db", "verify")[1].startswith(f"{REF} event 1 is not what was written.\n")
    told = json.loads(shell("db", "verify", "--json")[1])
    assert (told["sound"], told["tickets"], told["seals"]) == (False, 1, 1)
    assert told["findings"] == [{"where": f"{REF} event 1", "what": "is not what was written."}]


def test_verify_makes_no_key_and_names_the_one_that_is_missing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "keys" / "ka").unlink()
    code, said, _ = shell("db", "verify")
    assert (code, list((tmp_path / "keys").iterdir())) == (1, [])
    assert 'seal 1 was made with the key "a": put it back into keys.' in said


def test_a_seal_that_is_none_is_refused_in_one_sentence(shell: Shell) -> None:
    code, _, said = shell("db", "verify", "--seal", "latest")
    assert code == 2
    assert said == 'mailgate: "latest" is not a seal: copy it from the log or the daily summary, as NUMBER:HEX\n'


def test_a_damaged_file_is_found(shell: Shell, tmp_path: Path) -> None:
    sql(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "var/mailgate.db"
    whole = bytearray(file.read_bytes())
    whole[4096 * 5 : 4096 * 30] = bytes(4096 * 25)
    file.write_bytes(whole)
    code, said, error = shell("db", "verify")
    assert (code, said[:19]) == (1, "database is damaged") or (code, "verify" in error) == (2, True)
