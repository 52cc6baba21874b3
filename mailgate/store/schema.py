"""The tables' versions: bringing a store up to this program's, and telling whether it is."""

import secrets
from pathlib import Path

from sqlalchemy import inspect, select, text

from mailgate.errors import Refused
from mailgate.store.engine import Store, insert_new, upsert
from mailgate.store.tables import instance

HEAD = "0020"
COMPATIBLE_FROM = "0020"
"""The oldest program, by its head, that may work with these tables: everything since only added to them."""
COMPATIBLE, NONE_BEFORE = "compatible_from", "9999"
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(store: Store) -> None:
    """Bring the tables to this program's version; nothing happens to a store that is there already, or further on.

    Refused where a newer program has changed them so that this one cannot work with them.
    """
    if schema_is_current(store):
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {None, *(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())}
    if (version := _version(store)) not in known:
        raise Refused(f"the store is of a newer mailgate (its tables are {version}): run that one or a later one")
    with store.deciding(["the schema"]) as connection, store.writing(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(insert_new(connection, instance), {"name": "loop_id", "value": secrets.token_hex(8)})
        connection.execute(upsert(connection, instance), {"name": COMPATIBLE, "value": COMPATIBLE_FROM})


def schema_is_current(store: Store) -> bool:
    """Whether this program may work with the tables: of its version, or of a later one that only added to them."""
    version = _version(store)
    return version == HEAD or (version is not None and version > HEAD and _compatible_from(store) <= HEAD)


def _compatible_from(store: Store) -> str:
    """What the newest program that changed the tables says of older ones."""
    with store.read() as connection:
        found = connection.execute(select(instance.c.value).where(instance.c.name == COMPATIBLE)).scalar()
        return found or NONE_BEFORE


def _version(store: Store) -> str | None:
    """The version of the store's tables; None where there are none yet."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def loop_id(store: Store) -> str:
    """What names this gateway in its own mails (E93); made with the store."""
    with store.read() as connection:
        return str(connection.execute(select(instance.c.value).where(instance.c.name == "loop_id")).scalar_one())
