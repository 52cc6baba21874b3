"""``mailgate ticket``: the tickets, as lists and one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused
from mailgate.model.ticket import Status

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.model.decision import Order

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
InTable = Callable[[str | None], str]


def list_tickets(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only tickets of this status.")] = None,
    team: Annotated[str | None, typer.Option(help="Only those of this team.")] = None,
    category: Annotated[str | None, typer.Option(help="Only those of this category.")] = None,
    requester: Annotated[str | None, typer.Option(help="Only what this address asked for.")] = None,
    key: Annotated[str | None, typer.Option(help="Only those about the case of this number.")] = None,
    as_json: AsJson = False,
) -> None:
    """List tickets, the oldest first."""
    from mailgate.store import tickets

    config = configuration(context)
    filters = {
        "status": status,
        "team": team,
        "category": category,
        "requester": requester.lower() if requester else None,
        "key": "".join(key.split()).upper() if key else None,  # as rules write it: capitals, no spaces
    }
    with opened(config) as store, store.read() as connection:
        found = tickets.listing(connection, config.key_name, **filters)
    _print_tickets(found, config, as_json)


def search_tickets(
    context: typer.Context,
    asked: Annotated[list[str], typer.Argument(help="A reference, a number, an address, or words.", metavar="WORDS")],
    as_json: AsJson = False,
) -> None:
    """Find tickets by reference, number, address or words, the newest first.

    A ticket is found by a mail to us that has all the words, or words that begin with them. At most 50 are shown.
    """
    from mailgate.store import tickets

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = tickets.searched(connection, config, " ".join(asked))
    _print_tickets(found, config, as_json)


def _print_tickets(found: Sequence[dict[str, Any]], config: "Config", as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    at = _in_table(config)
    names = ("task", "priority", "team", "requester")
    rows = (
        (ticket["ref"], _standing(ticket), *(ticket[name] for name in names), at(ticket["due_at"]), ticket["level"])
        for ticket in found
    )
    table(("Reference", "Status", "Task", "Priority", "Team", "Requester", "Due", "Capacity level"), rows)


def _standing(ticket: dict[str, Any]) -> str:
    """Its status; of a merged one also what it is part of, whose status counts."""
    whole = ticket["merged_into"]
    return f"{ticket['status']}, part of {whole}" if whole else str(ticket["status"])


def show_ticket(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help='Its reference, such as "MG-7K3F-99".', metavar="REF")],
    as_json: AsJson = False,
) -> None:
    """Show one ticket: its facts, its history, the mails it got and the mails it sent; of a commission its units."""
    from mailgate.app import clock
    from mailgate.store import tickets

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = tickets.show(connection, canonical(ref, config.service.reference), config.key_name, clock())
    if as_json:
        print_json(found)
    else:
        _print_ticket(found, _in_table(config))


def set_ticket(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help='Its reference, such as "MG-7K3F-99".', metavar="REF")],
    task: Annotated[str | None, typer.Option(help="What it is about: CATEGORY.TASK.")] = None,
    team: Annotated[str | None, typer.Option(help="Which team works on it.")] = None,
    priority: Annotated[str | None, typer.Option(help="How soon it matters.")] = None,
    due: Annotated[datetime | None, typer.Option(help="On which day it is due.", formats=["%Y-%m-%d"])] = None,
    assignee: Annotated[str | None, typer.Option(help="Who of its team has it: an address.")] = None,
    status: Annotated[Status | None, typer.Option(help="waiting, done, cancelled; open: open again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a ticket as an agent does by mail, with the same history, and the same mails to the requester."""
    from mailgate.app import clock, context_of
    from mailgate.store import tickets
    from mailgate.workers.order import give

    config = configuration(context)
    wanted = canonical(ref, config.service.reference)
    orders = [*_rerouted(task, team, config), *_retimed(priority, due, config), *_handed(assignee, status)]
    if not orders:
        raise Refused("say what to change: --task, --team, --priority, --due, --assignee or --status")
    with opened(config) as store:
        mails = context_of(config, store)
        for order in orders:
            give(store, mails, wanted, order, clock())
        with store.read() as connection:
            found = tickets.show(connection, wanted, config.key_name)
    if as_json:
        print_json(found)
    else:
        print(f"{wanted} is {found['status']}: {found['task'] or 'no task'}, {found['assignee'] or 'unassigned'}.")


def merge_tickets(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="What becomes part of the other.", metavar="REF")],
    into: Annotated[str, typer.Argument(help="The ticket that goes on.", metavar="INTO")],
) -> None:
    """Make a ticket part of another one: what is answered to it goes there. "ticket split" takes it back."""
    from mailgate.model.decision import Order

    prefix = configuration(context).service.reference
    part, whole = canonical(ref, prefix), canonical(into, prefix)
    _give(context, part, Order("duplicate", to=whole))
    print(f"{part} is part of {whole}.")


def split_ticket(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="What was merged into another ticket, or got the mail.", metavar="REF")],
    mail: Annotated[
        int | None, typer.Argument(help='The number of one of its mails: see "ticket show".', metavar="MAIL", min=1)
    ] = None,
) -> None:
    """Make a part, or one mail, a ticket of its own again: as if it had never been merged, or posted there."""
    from mailgate.model.decision import Order

    part = canonical(ref, configuration(context).service.reference)
    opened = _give(context, part, Order("separate", mail=mail or 0))
    if mail is None:
        print(f"{part} is a ticket of its own again.")
    else:
        print(f"Mail {mail} of {part} is {', '.join(opened)} now.")


def _give(context: typer.Context, ref: str, order: "Order") -> Sequence[str]:
    from mailgate.app import clock, context_of
    from mailgate.workers.order import give

    config = configuration(context)
    with opened(config) as store:
        return give(store, context_of(config, store), ref, order, clock())


def _rerouted(task: str | None, team: str | None, config: "Config") -> Iterator["Order"]:
    """What it is about, and who works on it."""
    from mailgate.model.decision import Order
    from mailgate.rules.typed import suggestion

    if task is not None:
        known = [f"{name}.{each}" for name, category in config.service.categories.items() for each in category.tasks]
        if task not in (*known, *(f"{name}.other" for name in config.service.categories)):
            raise Refused(f'there is no task "{task}"{suggestion(task, known)}')
        yield Order("task", to=task)
    if team is not None:
        if team not in config.service.teams:
            raise Refused(f'there is no team "{team}"{suggestion(team, list(config.service.teams))}')
        yield Order("team", to=team)


def _retimed(priority: str | None, due: datetime | None, config: "Config") -> Iterator["Order"]:
    """How soon it matters, and by when it has to be done."""
    from mailgate.model.decision import Order
    from mailgate.rules.typed import suggestion

    if priority is not None:
        if priority not in config.service.priorities:
            known = list(config.service.priorities)
            raise Refused(f'there is no priority "{priority}"{suggestion(priority, known)}')
        yield Order("priority", to=priority)
    if due is not None:
        yield Order("due", until=due.date())


def _handed(assignee: str | None, status: Status | None) -> Iterator["Order"]:
    """Who has it, and where it is."""
    from mailgate.model.decision import Order

    if assignee is not None:
        yield Order("assign", to=assignee.lower())
    if status is not None:
        if status not in _ORDERED_BY:
            raise Refused(f"no ticket becomes {status} again: choose from {', '.join(_ORDERED_BY)}")
        yield Order(_ORDERED_BY[status])


_ORDERED_BY = {Status.WAITING: "waiting", Status.DONE: "done", Status.CANCELLED: "cancel", Status.OPEN: "reopen"}


def canonical(written: str, prefix: str) -> str:
    """The reference as it is stored, however somebody wrote it (E221)."""
    from mailgate.tickets import reference

    found = reference.find(written, prefix)
    if len(found) != 1:
        raise Refused(f'"{written}" is no reference of ours: see "mailgate ticket list"')
    return found[0]


def _in_table(config: "Config") -> InTable:
    """How an instant in ISO form stands in a table."""
    from mailgate.notify.dates import in_table, zone_of

    zone = zone_of(config)
    return lambda said: in_table(datetime.fromisoformat(said) if said else None, zone)


def _print_ticket(ticket: dict[str, Any], at: InTable) -> None:
    table(("Fact", "Value"), _facts(ticket, at))
    if children := ticket.get("children"):
        names = ("unit", "state", "returns", "ref")
        rows = [(*(child[name] for name in names), at(child["due_at"]), at(child["returned_at"])) for child in children]
        _print_part("Units", ("Unit", "State", "Returns", "Reference", "Due", "Returned"), rows)
    _print_part(
        "History",
        ("When", "What", "By", "Details"),
        [(at(event["at"]), event["what"], event["actor"], _said(event["data"])) for event in ticket["events"]],
    )
    _print_part(
        "Messages",
        ("Number", "Received", "From", "Became", "Subject"),
        [
            (mail["id"], at(mail["received_at"]), mail["from"], mail["standing"] or mail["action"], mail["subject"])
            for mail in ticket["messages"]
        ],
    )
    _print_part(
        "Sent",
        ("Queued", "Message", "To", "State"),
        [(at(mail["queued_at"]), mail["message"], mail["to"], mail["state"]) for mail in ticket["outgoing"]],
    )


def _print_part(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print(f"\n{title}")
    if rows:
        table(columns, rows)
    else:
        print("none")


def _facts(ticket: dict[str, Any], at: InTable) -> Iterable[tuple[str, str]]:
    """Every fact that is known, a row each; what has a table of its own is left out."""
    for name, value in ticket.items():
        if name in ("events", "messages", "outgoing", "participants", "clocks", "children") or not value:
            continue
        shown = at(value) if name.endswith(("_at", "_due")) else _said(value)
        yield name.replace("_", " "), shown


def _said(value: object) -> str:
    """A value of JSON as a person reads it."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_said(each)}" for name, each in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)
