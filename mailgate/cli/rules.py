"""``mailgate rules check``: whether a configuration is valid, what in it is hardly meant; and its schema."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.frame import folders
from mailgate.cli.output import print_json

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.rules.located import Node, Problem
    from mailgate.settings import Examined

DAYS = 90
_ONE = {"mailboxes": "mailbox", "teams": "team", "categories": "category", "tasks": "task", "rules": "rule"}


def check(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check the configuration and say where its mistakes are; exit code 1 where there are any."""
    from mailgate.settings import ConfigError, examine

    try:
        found = examine(folders(context), os.environ)
        errors: Sequence[Problem] = list(_in_templates(found.config))
    except ConfigError as error:
        _print_refused(error.problems, as_json=as_json)
        raise typer.Exit(1) from None
    if errors:
        _print_refused(errors, as_json=as_json)
        raise typer.Exit(1)
    warnings = sorted(set(_warnings(found)))
    if as_json:
        print_json(_as_json(found.config, warnings))
    else:
        _print(found.config, warnings)


def schema(
    operator: Annotated[bool, typer.Option("--operator", help="The one of mailgate.yml.")] = False,
) -> None:
    """Print the JSON Schema by which editors complete and check the files."""
    from mailgate.rules.json_schema import schema_text

    print(schema_text("mailgate" if operator else "service"), end="")


def _in_templates(config: "Config") -> "Iterator[Problem]":
    from mailgate.notify.compose import check_template
    from mailgate.notify.files import read_templates
    from mailgate.rules.located import Problem
    from mailgate.settings import template_folders

    for name, source in read_templates(config, template_folders(config)).items():
        for mistake in check_template(name, source.text, config.key_name or ""):
            yield Problem(source.file, mistake.line, 1, mistake.text)


def _warnings(found: "Examined") -> "Iterator[Problem]":
    from mailgate.rules.warnings import warnings

    yield from warnings(found.config, found.service)
    yield from _unused(found.config, found.service)


def _unused(config: "Config", service: "Node") -> "Iterator[Problem]":
    """Rules that have fitted no stored mail for 90 days, where there is a store and they are as old."""
    from contextlib import closing

    from mailgate.app import clock
    from mailgate.rules.warnings import unused
    from mailgate.store import configurations, figures
    from mailgate.store.engine import is_made, open_store
    from mailgate.store.schema import schema_is_current

    if not is_made(config.operator):
        return
    since = clock() - timedelta(days=DAYS)
    with closing(open_store(config.operator)) as store:
        if not schema_is_current(store):
            return
        with store.read() as connection:
            old = frozenset(name for name, at in configurations.rules_since(connection).items() if at <= since)
            mails, fitted = figures.fitted_rules(connection, since)
    yield from unused(service, fitted, old, mails, DAYS) if mails else ()


def _print_refused(problems: "Sequence[Problem]", *, as_json: bool) -> None:
    if as_json:
        print_json({"valid": False, "problems": _listed(problems), "warnings": []})
    else:
        print("\n".join(f"{problem.where}  error: {problem.text}" for problem in problems))


def _print(config: "Config", warnings: "Sequence[Problem]") -> None:
    for warning in warnings:
        print(f"{warning.where}  warning: {warning.text}")
    counts = ", ".join(f"{number} {name if number != 1 else _ONE[name]}" for name, number in _counts(config).items())
    print(f"{' with '.join(config.folders)} is valid: {counts}; version {config.version}")
    for change in config.changed:
        print(f"  {config.folders[-1]} changes {change}")


def _as_json(config: "Config", warnings: "Sequence[Problem]") -> dict[str, Any]:
    return {
        "valid": True,
        "version": config.version,
        "folders": list(config.folders),
        **_counts(config),
        "changed": list(config.changed),
        "problems": [],
        "warnings": _listed(warnings),
    }


def _listed(problems: "Sequence[Problem]") -> list[dict[str, Any]]:
    return [{name: getattr(problem, name) for name in ("file", "line", "column", "text")} for problem in problems]


def _counts(config: "Config") -> dict[str, int]:
    service = config.service
    return {
        "mailboxes": len(service.mailboxes),
        "teams": len(service.teams),
        "categories": len(service.categories),
        "tasks": sum(len(category.tasks) for category in service.categories.values()),
        "rules": len(service.rules),
    }
