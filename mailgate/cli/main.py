"""The command ``mailgate``: which commands there are, and how they end.

Each command is a function in a file beside this one, imported when it is called. An error
a person should read is one line on standard error (each mistake of a configuration has its
own line) and exit code 2.
"""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from mailgate.cli.frame import LazyCommand
from mailgate.errors import MailgateError

# Command, its file in this folder, its function there, and what it does.
COMMANDS = (
    ("init", "init", "init", "Write a commented starter configuration."),
    ("serve", "serve", "serve", "Run the gateway."),
    ("doctor", "doctor", "doctor", "Check the installation, and say what to do about what is wrong."),
    ("reconcile", "reconcile", "reconcile", "Say which mail is on one side only."),
    ("parse", "mail", "parse", "Show a mail as the gateway reads it."),
    ("explain", "mail", "explain", "Say what would happen to a mail now, and why."),
    ("rehearse", "replay", "rehearse", "Play a folder of mails through the whole pipeline in a scratch store."),
    ("ingest", "replay", "ingest", "Feed mails from files through the whole pipeline now."),
    ("rules check", "rules", "check", "Check the configuration and say where its mistakes are."),
    ("rules schema", "rules", "schema", "Print the JSON Schema by which editors complete and check the files."),
    ("rules backtest", "backtest", "backtest", "Say which mails of the past other rules would have sent elsewhere."),
    ("rules suggest", "suggest", "suggest", "Say which phrases would have got right what people had to put right."),
    ("template preview", "template", "preview", "Write the HTML of a message with made-up values."),
    ("template check", "template", "check", "Check every template, in each language and with each field missing."),
    ("ticket list", "ticket", "list_tickets", "List tickets."),
    ("ticket show", "ticket", "show_ticket", "Show one ticket."),
    ("ticket search", "ticket", "search_tickets", "Find tickets by reference, number, address or words."),
    ("ticket set", "ticket", "set_ticket", "Change a ticket as an agent does by mail."),
    ("ticket merge", "ticket", "merge_tickets", "Make a ticket part of another one."),
    ("ticket split", "ticket", "split_ticket", "Make a part, or one mail, a ticket of its own again."),
    ("outbox list", "outbox", "list_outbox", "List the mails we sent, wait to send, or could not send."),
    ("outbox show", "outbox", "show_outbox", "Show one mail of ours."),
    ("outbox retry", "outbox", "retry_outbox", "Send a mail at once, whatever kept it back."),
    ("outbox cancel", "outbox", "cancel_outbox", "Never send a mail that has not gone yet."),
    ("sla due", "sla", "due", "Say when something would be due, and how that comes about."),
    ("report", "report", "report", "Say what came, what was finished, how long it took in working time."),
    ("sla replay", "sla_replay", "replay", "Say how much would have been finished within its time."),
    ("capacity set", "capacity", "set_level", "Set the capacity level of a unit."),
    ("capacity show", "capacity", "show", "Show the capacity level of each unit."),
    ("digest", "digest", "digest", "Send a manager the summary now."),
    ("notify templates", "notify", "templates", "Print the texts to create in GOV.UK Notify."),
    ("dev notify", "dev", "notify", "Run the stand-in for GOV.UK Notify."),
    ("quarantine list", "quarantine", "list_quarantine", "List the mails that need a person."),
    ("quarantine show", "quarantine", "show_quarantine", "Show one mail of the quarantine."),
    ("quarantine release", "quarantine", "release_quarantine", "Put mails back into the queue."),
    ("attachment list", "attachment", "list_attachments", "List the files that are held back."),
    ("attachment release", "attachment", "release_attachment", "Let a file go to those who work on its ticket."),
    ("attachment discard", "attachment", "discard_attachment", "Say that a file is to go to nobody."),
    ("people import", "people", "import_people", "Read the directory from a YAML or CSV file."),
    ("people list", "people", "list_people", "List the directory."),
    ("people export", "about", "export", "Write down all that is held about a case."),
    ("people erase", "about", "erase", "Erase a person, a case or a ticket from every table and file, for good."),
    ("retention run", "retention", "run", "Forget what is kept no longer, or say what that is."),
    ("retention hold", "retention", "hold", "Keep a case or a ticket whatever its age."),
    ("retention release", "retention", "release", "End a hold."),
    ("retention holds", "retention", "list_holds", "List what is held."),
    ("db upgrade", "db", "upgrade", "Bring the store's tables up to date."),
    ("db backup", "backup", "backup", "Copy the store while mail arrives."),
    ("db restore", "backup", "restore", "Put a backup where there is no store yet, and verify it."),
    ("db verify", "db", "verify", "Say whether everything is what was written."),
)
GROUPS = {
    "rules": "The rules that sort mail.",
    "template": "What we say in mails.",
    "ticket": "The tickets.",
    "outbox": "What we send.",
    "sla": "Service levels.",
    "capacity": "Capacity levels: what rests while a unit is short of people.",
    "notify": "GOV.UK Notify.",
    "dev": "For trying things out.",
    "quarantine": "Mails that could not be handled.",
    "attachment": "Files that a rule holds back.",
    "people": "The directory: who may do what, in which team.",
    "retention": "How long records are kept.",
    "db": "The store.",
}

app = typer.Typer(add_completion=False, no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"mailgate {version('mailgate')}")
        raise typer.Exit


@app.callback()
def mailgate(
    context: typer.Context,
    config: Annotated[
        list[Path],
        typer.Option(help="Folder of the configuration; a second one is laid over the first. [default: config]"),
    ] = [],  # noqa: B006 (typer reads it and nobody changes it)
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Mail to shared mailboxes becomes tickets that cannot be lost, done twice or forgotten."""
    context.obj = tuple(config)


def program() -> TyperGroup:
    """The whole command line."""
    root = get_group(app)
    groups = {name: TyperGroup(name=name, help=summary, no_args_is_help=True) for name, summary in GROUPS.items()}
    for words, file, function, summary in COMMANDS:
        group, _, name = words.rpartition(" ")
        command = LazyCommand(name, f"mailgate.cli.{file}", function, summary)
        (groups[group] if group else root).add_command(command)
    for commands in groups.values():
        root.add_command(commands)
    return root


def main() -> None:
    """Run the command that was asked for and exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a mail says is printable nowhere else
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        try:
            program().main(config_first(sys.argv[1:]), prog_name="mailgate")
        finally:
            if sys.stdout is not None:  # it was closed before we began: ">&-"
                sys.stdout.flush()
    except MailgateError as error:
        _end(str(error))
    except BrokenPipeError:  # whoever read our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _end(f"{error.strerror}: {error.filename}" if error.filename else str(error))


def config_first(arguments: Sequence[str]) -> list[str]:
    """The *arguments* with every ``--config FOLDER`` at the front, so that it may stand behind the command too."""
    options: list[str] = []
    others: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*options, *others, argument, *waiting]
        if argument == "--config" and waiting:
            options += [argument, waiting.pop(0)]
        elif argument.startswith("--config="):
            options.append(argument)
        else:
            others.append(argument)
    return options + others


def _end(text: str) -> NoReturn:
    print(f"mailgate: {text}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
