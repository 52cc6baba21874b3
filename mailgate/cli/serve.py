"""``mailgate serve``: the gateway itself."""

import asyncio
import gc
import os
import resource
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Annotated

import typer

from mailgate import journal
from mailgate.app import ROLES, address_of, bury, check_doors, clock, context_of, lmtp_socket, make_ready
from mailgate.cli.frame import configuration
from mailgate.errors import Refused, TryLater
from mailgate.gateway import Gateway
from mailgate.model.config import Config, Mode
from mailgate.shortage import end_where_memory_is_gone
from mailgate.store.engine import Store, open_store
from mailgate.supervise import Supervisor
from mailgate.uncaught import tell_in_the_log
from mailgate.web.counts import Counts
from mailgate.workers.warming import warm_up

FIRST_PROCESS_ONLY = frozenset({"imap", "scheduler", "web"})  # for imap: one connection a mailbox (E58)
GARBAGE_THRESHOLD = 20_000  # objects: a mail makes thousands, and hardly ever a cycle
SWITCH_SECONDS = 0.002  # how long the workers' thread may keep a session waiting for the interpreter


def serve(
    context: typer.Context,
    role: Annotated[str | None, typer.Option(help="What to run, such as smtp,worker. [default: everything]")] = None,
) -> None:
    """Run the gateway until SIGTERM or SIGINT."""
    run(configuration(context), roles_from(role))
    # All that was begun is durable. What the interpreter would do now is to free memory object by object, which takes
    # seconds on a busy machine, and to wait for threads, of which one may be asking a server that does not answer.
    os._exit(0)


def run(config: Config, roles: frozenset[str]) -> None:
    """The gateway with *roles*, until a signal; Refused says in a sentence why it cannot start."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold mail (S78)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(GARBAGE_THRESHOLD)
    journal.configure()
    tell_in_the_log()
    store = open_store(config.operator)
    with store.single_instance(), lmtp_socket(config, roles) as lmtp:
        make_ready(store, config)
        context = context_of(config, store)  # what is wrong with a template is said here, once
        if "worker" in roles:
            warm_up(context, clock())
        if config.operator.workers.processes == 1:
            _work(config, store, roles, lmtp, Counts())
        else:
            check_doors(config, roles)
            store.close()  # no connection may be shared with a child
            gc.freeze()  # nor is what they do share to be copied because it was looked at
            _supervise(config, roles, lmtp)


def roles_from(text: str | None) -> frozenset[str]:
    """The roles of "smtp,worker"; all there are where nothing is said."""
    roles = frozenset(ROLES) if text is None else frozenset(name.strip() for name in text.split(","))
    for name in sorted(roles - set(ROLES)):
        raise Refused(f'there is no role "{name}"; there are: {", ".join(ROLES)}')
    return roles


def _work(
    config: Config,
    store: Store,
    roles: frozenset[str],
    lmtp: socket | None,
    counts: Counts,
    number: int = 0,
    parent: int = -1,
) -> None:
    """Run one process; with a *parent*, others share its ports, and *number* says which of them it is."""
    import uvloop

    try:
        gateway = Gateway(config, store, roles, shared_port=parent >= 0, lmtp=lmtp, counts=counts, number=number)
        uvloop.run(_until_stopped(gateway, config, parent))
    finally:
        store.close()


async def _until_stopped(gateway: Gateway, config: Config, parent: int) -> None:
    """Run *gateway* until a signal, or until *parent*, a descriptor, says that the parent has ended."""
    stop, running = asyncio.Event(), asyncio.get_running_loop()
    end_where_memory_is_gone(running)
    for name in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(name, stop.set)
    if parent >= 0:
        running.add_reader(parent, stop.set)
    await gateway.run(stop, lambda places: _tell(places, config))


def _supervise(config: Config, roles: frozenset[str], lmtp: socket | None) -> None:
    counts = Counts(config.operator.workers.processes)

    def child(number: int, parent: int) -> None:
        mine = roles if number == 0 else roles - FIRST_PROCESS_ONLY
        _work(config, open_store(config.operator), mine, lmtp, counts, number, parent)

    def buried(pid: int) -> None:
        try:
            with closing(open_store(config.operator)) as store:
                bury(store, config, pid)
        except TryLater as error:
            journal.leases_not_released(error)

    Supervisor(config.operator.workers.processes, child, buried).run()


def _tell(places: Mapping[str, str], config: Config) -> None:
    for what, address in places.items():
        journal.listening(what, address)
    if "smtp" in places and "JOURNAL_STREAM" not in os.environ:  # systemd's journal holds the log alone
        host, port = address_of(places["smtp"])
        print("\n".join(first_steps(host, port, config)), flush=True)


def first_steps(host: str, port: int, config: Config) -> list[str]:
    """What a person at the terminal can do next; commands only for a gateway that listens on this machine alone."""
    said = [f"mailgate takes mail on {host}:{port} and sends its replies to {config.operator.send.shown}"]
    live = [name for name, mailbox in config.service.mailboxes.items() if mailbox.mode is Mode.LIVE]
    if host not in ("127.0.0.1", "::1") or not live:
        return said
    mailgate = shlex.quote(os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).exists() else "mailgate")
    return [
        *said,
        "",
        "Send a first mail:",
        f"  {_first_mail(host, port, live[0], config)}",
        "See its ticket:",
        f"  {mailgate} ticket list",
    ]


def _first_mail(host: str, port: int, mailbox: str, config: Config) -> str:
    """A command that needs nothing but Python."""
    sender = f"first.person@{(config.service.domains or (mailbox.partition('@')[2],))[0]}"
    wish = _something_to_ask(mailbox, config)
    text = f"From: {sender}\\nTo: {mailbox}\\nSubject: {wish}\\n\\nCould you please help with this: {wish}?"
    code = f'import smtplib; smtplib.SMTP("{host}", {port}).sendmail("{sender}", "{mailbox}", "{text}")'
    return f"python3 -c {shlex.quote(code)}"


def _something_to_ask(mailbox: str, config: Config) -> str:
    """A phrase by which a task of the mailbox's usual category is recognised."""
    category = config.service.categories.get(config.service.mailboxes[mailbox].usually or "")
    phrases = [phrase for task in category.tasks.values() for phrase in task.recognise] if category else []
    return phrases[0] if phrases else "a first request"
