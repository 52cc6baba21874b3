"""The tables' versions: bringing a store up to this program's, and telling whether it is."""

import secrets
from pathlib import Path

from sqlalchemy import inspect, select, text

from mailgate.store.engine import Store, insert_new
from mailgate.store.tables import instance

HEAD = "0004"
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(store: Store) -> None:
    """Bring the tables to this program's version; nothing happens to a store that is there already."""
    if schema_is_current(store):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with store.deciding(["the schema"]) as connection, store.writing(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(insert_new(connection, instance), {"name": "loop_id", "value": secrets.token_hex(8)})


def schema_is_current(store: Store) -> bool:
    """Whether the tables are of this program's version."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def loop_id(store: Store) -> str:
    """What names this gateway in its own mails (E93); made with the store."""
    with store.read() as connection:
        return str(connection.execute(select(instance.c.value).where(instance.c.name == "loop_id")).scalar_one())
