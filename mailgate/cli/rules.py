"""``mailgate rules``: tools for whoever writes the rules."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.frame import configuration, folders
from mailgate.cli.output import print_json

if TYPE_CHECKING:
    from mailgate.model.config import Config


def check(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check the configuration and say where its mistakes are."""
    from mailgate.settings import ConfigError

    try:
        config = configuration(context)
    except ConfigError as error:
        if as_json:
            print_json({"valid": False, "problems": [_problem(problem) for problem in error.problems]})
        else:
            print(error)
        raise typer.Exit(1) from None
    if as_json:
        print_json(
            {
                "valid": True,
                "version": config.version,
                "folders": list(config.folders),
                **_counts(config),
                "changed": list(config.changed),
            }
        )
        return
    counts = ", ".join(f"{number} {name if number != 1 else _ONE[name]}" for name, number in _counts(config).items())
    print(f"{' with '.join(map(str, folders(context)))} is valid: {counts}; version {config.version}")
    for change in config.changed:
        print(f"  {config.folders[-1]} changes {change}")


def _problem(problem: Any) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "column": problem.column, "text": problem.text}


_ONE = {"mailboxes": "mailbox", "teams": "team", "categories": "category", "tasks": "task", "rules": "rule"}


def _counts(config: "Config") -> dict[str, int]:
    service = config.service
    return {
        "mailboxes": len(service.mailboxes),
        "teams": len(service.teams),
        "categories": len(service.categories),
        "tasks": sum(len(category.tasks) for category in service.categories.values()),
        "rules": len(service.rules),
    }
