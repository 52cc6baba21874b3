"""``mailgate db``: the store's tables. The lists open the store here too."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import typer

from mailgate.cli.frame import configuration
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.store.engine import Store


def upgrade(context: typer.Context) -> None:
    """Bring the store's tables up to date."""
    from mailgate.store import schema
    from mailgate.store.engine import open_store

    with closing(open_store(configuration(context).operator)) as store:
        was_current = schema.schema_is_current(store)
        schema.upgrade(store)
    print("The store was up to date." if was_current else "The store is up to date now.")


@contextmanager
def opened(config: "Config") -> Iterator["Store"]:
    """The store; Refused where its tables are not of this program's version."""
    from mailgate.store import schema
    from mailgate.store.engine import open_store

    with closing(open_store(config.operator)) as store:
        if not schema.schema_is_current(store):
            raise Refused('the store is not up to date: run "mailgate db upgrade"')
        yield store
