"""The disk that loses power (F3), without mounting it: what was synced is there, and nothing else is for certain."""

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("mfusepy", reason="FUSE is not installed: make services", exc_type=ImportError)
from prove.disk import Disk

FILE = "/boot0/file"
OPERATIONS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 2000), st.binary(min_size=1, max_size=1500)),
    st.tuples(st.just("truncate"), st.integers(0, 3000), st.just(b"")),
    st.just(("sync", 0, b"")),
)


def a_disk_with_a_file() -> tuple[Disk, SimpleNamespace]:
    disk, handle = Disk(), SimpleNamespace(fh=0, direct_io=False)
    disk.create(FILE, 0o600, handle)
    disk.fsyncdir("/boot0", 0, None)
    return disk, handle


def content(disk: Disk) -> bytes:
    handle = SimpleNamespace(fh=0, direct_io=False)
    disk.open(FILE, handle)
    return disk.read(FILE, 10_000, 0, handle)


@given(st.lists(OPERATIONS, max_size=20))
def test_F3_after_a_cut_a_file_is_as_it_was_synced_last(operations) -> None:
    disk, handle = a_disk_with_a_file()
    synced = b""
    for what, number, data in operations:
        if what == "write":
            disk.write(FILE, data, number, handle)
        elif what == "truncate":
            disk.truncate(FILE, number)
        else:
            disk.fsync(FILE, 0, handle)
            synced = content(disk)
    disk.restore(None)
    assert content(disk) == synced


def test_F3_of_what_was_not_synced_some_sectors_may_be_there() -> None:
    kept = set()
    for seed in range(50):
        disk, handle = a_disk_with_a_file()
        disk.write(FILE, b"a" * 1024, 0, handle)
        disk.restore(random.Random(seed))
        kept.add(content(disk).count(b"a"))
    assert kept == {0, 512, 1024}


def test_F3_a_name_that_was_not_synced_is_gone() -> None:
    disk, _ = a_disk_with_a_file()
    disk.rename(FILE, "/boot0/other")
    disk.restore(None)
    assert "file" in disk.readdir("/boot0", 0)
    assert "other" not in disk.readdir("/boot0", 0)
