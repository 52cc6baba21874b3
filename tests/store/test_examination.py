"""What doctor tells of a store, on both engines."""

from mailgate.store.engine import Store
from mailgate.store.examination import examine


def test_a_sound_store_is_told_with_its_version_and_settings(store: Store) -> None:
    found = {what: (is_well, says) for is_well, what, says in examine(store)}
    if not store.is_shared:
        assert list(found) == ["store"]
        assert found["store"][0]
        assert "synchronous=FULL" in found["store"][1]
        return
    assert found["store"][1].startswith("PostgreSQL")
    assert {what: is_well for what, (is_well, _) in found.items()} == {
        **dict.fromkeys(["store", "store fsync", "store full_page_writes", "store synchronous_commit"], True),
        **dict.fromkeys(["store statement_timeout", "store lock_timeout"], True),
        "store idle_in_transaction_session_timeout": True,
        "store synchronous_standby_names": False,  # the test's server has none
    }
