"""The configurations that were in force: a version that stands in a ticket's history can be looked up."""

from datetime import datetime

from sqlalchemy import Connection, select

from mailgate.errors import Refused
from mailgate.model.config import Config, Service
from mailgate.store.engine import Store, insert_new
from mailgate.store.tables import configurations


def keep(store: Store, config: Config, now: datetime) -> None:
    """Remember what *config* says of the service, unless it is known already."""
    row = {"version": config.version, "service": config.service.model_dump(mode="json"), "first_at": now}
    with store.write() as tx:
        tx.execute(insert_new(tx, configurations), row)


def kept(connection: Connection, version: str) -> Config:
    """The configuration of that *version*, with nothing of the operator's; Refused where there is none."""
    query = select(configurations.c.service).where(configurations.c.version == version)
    service = connection.execute(query).scalar_one_or_none()
    if service is None:
        raise Refused(f'"{version}" is neither a folder nor the version of a configuration that was ever in force')
    return Config(version=version, service=Service.model_validate(service))


def rules_since(connection: Connection) -> dict[str, datetime]:
    """The names of all rules that ever were in force, each with the instant since when."""
    ordered = select(configurations.c.service, configurations.c.first_at).order_by(configurations.c.first_at.desc())
    return {rule["name"]: at for service, at in connection.execute(ordered) for rule in service["rules"]}
