"""``mailgate parse`` and ``mailgate explain``: what the gateway makes of a mail; nothing is changed."""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import MailgateError, Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config

Files = Annotated[list[str], typer.Argument(help='Mail files; "-" reads their names from standard input, one a line.')]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object a line where there are several.")]


def parse(
    context: typer.Context,
    files: Files,
    as_json: AsJson = False,
    explain: Annotated[bool, typer.Option(help="Say of each line of the body what became of it.")] = False,
    html: Annotated[bool, typer.Option(help="Print the HTML of the mail, cleaned for people to look at.")] = False,
) -> None:
    """Show a mail as the gateway reads it; without a configuration too."""
    from mailgate.cli.shown import message_as_json
    from mailgate.ingest.bounded import read
    from mailgate.model.config import Service

    try:
        service = configuration(context).service
    except MailgateError:
        if context.find_root().obj:  # asked for; the folder that happens to be here may be anything's
            raise
        service = Service()
    if html:
        from mailgate.ingest.for_people import html_for_people

        _each(files, lambda raw: {"html": html_for_people(raw)}, as_json, lambda shown: print(shown["html"]))
        return
    show = _print_fates if explain else _print_plain
    _each(files, lambda raw: message_as_json(read(raw, service.text, service.markings)), as_json, show)


def explain(
    context: typer.Context,
    files: Files,
    mailbox: Annotated[str | None, typer.Option(help="Where mail goes that names no mailbox of ours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would happen to a mail now, and why."""
    _each(files, _explainer(configuration(context), mailbox), as_json, _print_plain)


def _explainer(config: "Config", mailbox: str | None) -> Callable[[bytes], dict[str, Any]]:
    """What would happen to a mail, told from what the store knows by now; there need not be one yet."""
    from mailgate import decide, understand
    from mailgate.app import clock, facts_about
    from mailgate.cli.decided import as_json
    from mailgate.ingest.bounded import read
    from mailgate.ingest.files import envelope_of

    def explained(raw: bytes) -> dict[str, Any]:
        message = read(raw, config.service.text, config.service.markings)
        reading = understand.read(message, envelope_of(message, config, clock(), mailbox), config)
        decision = decide.decide(reading, config, facts_about(reading, config))
        return as_json(decision, reading, config, lambda ticket: ticket.ref)

    return explained


def _each(
    files: Sequence[str],
    show: Callable[[bytes], dict[str, Any]],
    as_json: bool,
    print_plain: Callable[[dict[str, Any]], None],
) -> None:
    """Print what *show* says of each file; one that cannot be read is told of and does not stop the others."""
    several = len(files) > 1 or "-" in files
    failed = False
    for name in _names(files):
        try:
            shown = {"file": name, **show(_bytes_of(name))}
        except MailgateError as error:
            failed = True
            if not as_json:
                print(f"mailgate: {error}", file=sys.stderr)
                continue
            shown = {"file": name, "error": str(error)}
        if as_json:
            print_json(shown, indent=None if several else 2)
        else:
            print_plain(shown)
    if failed:
        raise typer.Exit(2)


def _bytes_of(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{error.strerror}: {name}") from error
    except ValueError as error:  # a NUL, say
        raise Refused(f"no file can have this name: {name!r}") from error


def _names(files: Sequence[str]) -> Iterator[str]:
    for name in files:
        if name == "-":
            if isinstance(sys.stdin, io.TextIOWrapper):  # a name need not be text
                sys.stdin.reconfigure(errors="surrogateescape")
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        else:
            yield name


def _print_plain(shown: dict[str, Any]) -> None:
    """One fact a line; the trace as sentences, the text at the end."""
    from mailgate.cli.decided import sentence

    last = ("trace", "text", "reply_text", "text_from_html", "quoted", "signature", "spans")
    for name, value in shown.items():
        if name not in last and value not in (None, "", [], {}):
            print(f"{name + ':':22} {_plain(value)}")
    for match in shown.get("trace", ()):
        print(f"  {sentence(match)}")
    if shown.get("reply_text"):
        print(f"\n{shown['reply_text']}")


def _print_fates(shown: dict[str, Any]) -> None:
    """Which rule found the history, and what became of each line of the body (E100-E110)."""
    print(f"{shown['file']}: history found by: {shown['layer']}, confidence: {shown['confidence']}\n")
    body = shown.get("text_from_html") or shown["text"]
    for span in shown["spans"]:
        for line in body[span["start"] : span["end"]].removesuffix("\n").split("\n"):
            print(f"{span['fate']:12}| {line}".rstrip())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items() if each not in (None, "", []))
    if isinstance(value, list):
        return "; ".join(_plain(each) for each in value)
    return str(value)
