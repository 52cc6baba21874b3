"""``mailgate template``: what our mails look like, and whether their templates are right."""

from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import Refused
from mailgate.model.sending import Audience

if TYPE_CHECKING:
    from mailgate.notify.proof import FoundIn


class InLanguage(StrEnum):
    ENGLISH = "en"
    WELSH = "cy"
    BOTH = "en+cy"


def preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help='A message, such as received: see "messages" in the configuration.')],
    language: Annotated[InLanguage, typer.Option(help="The language of the mailbox.")] = InLanguage.ENGLISH,
    to: Annotated[Audience, typer.Option(help="Who reads it.")] = Audience.COLLEAGUES,
    output: Annotated[Path | None, typer.Option(help="The file to write. [default: standard output]")] = None,
) -> None:
    """Write the HTML of a message with made-up values."""
    from mailgate.notify import samples
    from mailgate.notify.compose import prepare, render
    from mailgate.notify.files import read_templates
    from mailgate.settings import template_folders

    message = _message(name)
    config = samples.in_language(configuration(context), language.value)
    sources = read_templates(config, template_folders(config))
    html = render(*samples.sample(message, to, config), prepare(config, samples.KEYS, "sample", sources)).html
    if output is None:
        print(html)
    else:
        output.write_text(html + "\n", "utf-8")
        print(f"wrote {output}")


def _message(name: str) -> str:
    """The message that people call *name*, with hyphens or underscores; Refused where there is none."""
    from mailgate.notify.fields import LAYOUT, OWN

    known = sorted(OWN.keys() - {LAYOUT})
    message = name.removesuffix(".md").replace("-", "_")
    if message in known:
        return message
    nearest = get_close_matches(message, known, 1, 0.5)
    hint = f'nearest is "{nearest[0]}"' if nearest else f"there are: {', '.join(known)}"
    raise Refused(f'There is no message "{name}"; {hint}')


def check(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check every template, in each language and with each field missing; exit code 1 where there is a mistake."""
    from mailgate.notify.files import read_templates
    from mailgate.notify.proof import mistakes, notes
    from mailgate.settings import template_folders

    config = configuration(context)
    sources = read_templates(config, template_folders(config), welsh=True)
    found = mistakes(config, sources)
    said = [] if found else list(notes(config, sources))
    if as_json:
        names = [{"name": name, "file": source.file} for name, source in sources.items()]
        print_json({"valid": not found, "templates": names, "problems": _listed(found), "notes": said})
    elif found:
        print("\n".join(f"{file}:{mistake.line}  {mistake.text}" for file, mistake in found))
    else:
        welsh = sum(name.startswith("cy/") for name in sources)
        print("\n".join([*said, f"{len(sources)} templates are valid, {welsh} of them in Welsh"]))
    if found:
        raise typer.Exit(1)


def _listed(found: "Sequence[FoundIn]") -> list[dict[str, object]]:
    return [{"file": file, "line": mistake.line, "text": mistake.text} for file, mistake in found]
