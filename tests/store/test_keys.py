"""The signing keys: made once, for our user alone."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate.errors import Refused
from mailgate.store.keys import load_keys, retirements


def test_S78_a_key_is_made_at_the_first_start_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "keys"
    keys, current = load_keys(folder)
    assert (list(keys), current, len(keys["a"])) == (["a"], "a", 32)
    assert load_keys(folder) == (keys, current)
    assert [path.name for path in folder.iterdir()] == ["ka"]
    assert stat.S_IMODE((folder / "ka").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_gateways_have_different_keys(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "one") != load_keys(tmp_path / "two")


def test_E225_the_newest_key_signs_and_the_older_ones_stay(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "kb").write_text("00" * 32)
    (tmp_path / "kb").chmod(0o600)
    (tmp_path / "README").write_text("not a key")
    keys, current = load_keys(tmp_path)
    assert (sorted(keys), current, keys["b"]) == (["a", "b"], "b", bytes(32))


def test_E225_a_key_is_retired_when_the_next_one_was_written(tmp_path: Path) -> None:
    made = {"ka": datetime(2024, 1, 2, tzinfo=UTC), "kb": datetime(2025, 3, 4, tzinfo=UTC)}
    made["kd"] = datetime(2026, 5, 6, tzinfo=UTC)
    for name, at in made.items():
        (tmp_path / name).write_text("00" * 32)
        os.utime(tmp_path / name, (at.timestamp(), at.timestamp()))
    assert retirements(tmp_path) == {"a": made["kb"], "b": made["kd"]}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    load_keys(tmp_path)
    (tmp_path / "ka").chmod(mode)
    with pytest.raises(Refused, match="chmod 600"):
        load_keys(tmp_path)


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "00" * 33, "ü" * 32])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ka").write_text(content)
    (tmp_path / "ka").chmod(0o600)
    with pytest.raises(Refused, match="is not a key"):
        load_keys(tmp_path)


def test_S56_a_link_is_not_followed(tmp_path: Path) -> None:
    load_keys(tmp_path / "elsewhere")
    (tmp_path / "ka").symlink_to(tmp_path / "elsewhere" / "ka")
    with pytest.raises(Refused):
        load_keys(tmp_path)
