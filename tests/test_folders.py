"""A folder that was made is there after a power cut (G1)."""

import os

from mailgate.folders import make_durably


def test_G1_every_folder_that_was_made_is_synced_in_the_one_above_it(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def note(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    make_durably(tmp_path / "var" / "outbox")
    assert (tmp_path / "var" / "outbox").stat().st_mode & 0o777 == 0o700
    assert synced == [str(tmp_path), str(tmp_path / "var")]
    make_durably(tmp_path / "var")
    assert len(synced) == 2
