"""``mailgate notify``: the texts that GOV.UK Notify keeps for us."""

from typing import Annotated

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def templates(context: typer.Context, as_json: AsJson = False) -> None:
    """Print the texts to create in GOV.UK Notify.

    Where a key is set, also how those that exist differ; exit 1 where one of them cannot be used.
    """
    from mailgate.app import template_look
    from mailgate.notify.texts import TEXTS, is_fatal
    from mailgate.workers.templates import compared

    config = configuration(context)
    found = compared(config, template_look(config))
    if as_json:
        print_json(
            [
                {"key": key, "title": text.title, "type": text.kind, "subject": text.subject, "body": text.body}
                | {"id": config.service.alerts.templates.known.get(key), "differences": list(found.get(key, ()))}
                for key, text in TEXTS.items()
            ]
        )
    else:
        for key, text in TEXTS.items():
            print(f"=== {text.title} ({'email' if text.kind == 'email' else 'text message'}): alerts.templates.{key}")
            for difference in found.get(key, ()):
                print(f"!!! at GOV.UK Notify {difference}")
            if text.subject:
                print(f"Subject: {text.subject}\n")
            print(f"{text.body}\n")
    if any(is_fatal(difference) for differences in found.values() for difference in differences):
        raise typer.Exit(1)
