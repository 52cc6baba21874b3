"""How much room the store's disks have left."""

import os

from mailgate.model.operator import Operator
from mailgate.store.space import FreeSpace, folders_of


def test_it_is_what_the_file_system_says_also_for_a_folder_to_come(tmp_path):
    found = os.statvfs(tmp_path)
    left = FreeSpace([tmp_path / "not" / "yet"])()
    assert abs(left - found.f_bavail * found.f_frsize) < 2**30


def test_the_disk_is_asked_once_a_second(tmp_path):
    now = [0.0]
    space = FreeSpace([tmp_path], lambda: now[0])
    assert space() > 0
    space._folders = [tmp_path / ("x" * 300)]  # a name that no file system takes: the disk fails
    assert space() > 0
    now[0] = 1.0
    assert space() == 0


def test_every_folder_of_this_machine_counts(tmp_path):
    def operator(url, raw="var/raw"):
        return Operator.model_validate({"store": {"url": url, "raw": raw}})

    assert [str(path) for path in folders_of(operator("sqlite:///var/a.db"))] == ["var", "var/raw"]
    assert [str(path) for path in folders_of(operator("postgresql+psycopg://db/mailgate"))] == ["var/raw"]
    assert folders_of(operator("postgresql+psycopg://db/mailgate", "s3://bucket/raw")) == []
    assert FreeSpace([])() > 2**60
