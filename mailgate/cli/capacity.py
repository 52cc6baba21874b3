"""``mailgate capacity``: how short of people each unit is, and what that means for its requests."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def set_level(
    context: typer.Context,
    unit: Annotated[str, typer.Option(help="The unit that is short of people, or no longer is.")],
    level: Annotated[str, typer.Option(help="One of the capacity levels of the configuration.")],
    reason: Annotated[str, typer.Option(help="Why. Requesters do not see it.")],
    review: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on which it is looked at again.")],
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it begins. [default: now]")
    ] = None,
    by: Annotated[str, typer.Option(help="Who sets it, and is reminded: an address.")] = "operator",
) -> None:
    """Set the capacity level of a unit, and bring its open tickets up to it."""
    from mailgate.app import clock, context_of
    from mailgate.model.capacity import NewLevel
    from mailgate.rules.promise import calendar_of
    from mailgate.rules.units import known_units
    from mailgate.sla.calendar import instant, local_date
    from mailgate.store import levels
    from mailgate.workers.capacity import Capacity

    config, now = configuration(context), clock()
    name = _known(level, config.service.capacity_levels, "capacity level")
    unit, calendar = _known(unit, known_units(config), "unit"), calendar_of(None, config)
    begins = instant(start.date(), time.min, calendar) if start else now
    if review.date() < local_date(max(begins, now), calendar):
        raise Refused("--review is over, or before the level begins: name a later day")
    if not reason.strip():
        raise Refused("--reason is empty: say why")
    with opened(config) as store:
        with store.write() as tx:
            levels.order(tx, NewLevel(unit, name, reason.strip(), review.date(), by.lower()), now, begins)
        changed = Capacity(store, context_of(config, store), clock).bring_up()
    when = f"will be at level {name} from {start:%Y-%m-%d} on" if begins > now else f"is at level {name}"
    print(f"{unit} {when}: {changed} open {'ticket' if changed == 1 else 'tickets'} changed.")


def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the capacity level of each unit, why, until when, and how many tickets it slows or pauses."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store import levels

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = levels.listing(connection)
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    columns = ("Unit", "Level", "From", "Looked at again", "Slowed", "Paused", "Set by", "Reason")
    rows = (
        (
            *(each["unit"], each["level"], in_table(datetime.fromisoformat(each["starts_at"]), zone)),
            *(each["review_on"], each["slowed"], each["paused"], each["set_by"], each["reason"]),
        )
        for each in found
    )
    table(columns, rows)


def _known(said: str, names: "Iterable[str]", what: str) -> str:
    """The one of *names* that is *said*, in whatever letters; Refused where there is none."""
    from mailgate.rules.typed import suggestion

    known = list(names)
    found = next((name for name in known if name.casefold() == said.casefold()), None)
    if found is None:
        hint = suggestion(said, known) if known else ": the configuration names none"
        raise Refused(f'there is no {what} "{said}"{hint}')
    return found
