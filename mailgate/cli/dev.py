"""``mailgate dev``: what stands in for services that somebody who tries mailgate out has no key for."""

from typing import Annotated

import typer

from mailgate.errors import Refused

PORT = 8081


def notify(port: Annotated[int, typer.Option(help="Where to listen, on this machine alone.")] = PORT) -> None:
    """Run the stand-in for GOV.UK Notify.

    Until it is interrupted; it sends nothing to anybody.
    """
    from mailgate.notify.standin import FAULTS, StandIn, api_key

    try:
        server = StandIn(port)
    except OSError as error:
        raise Refused(f"127.0.0.1:{port} cannot be listened on ({error.strerror}): give another --port") from error
    print(
        f"A stand-in for GOV.UK Notify listens on {server.url}. The gateway uses it when it is started with\n"
        f"  MAILGATE_NOTIFY__BASE_URL={server.url}\n"
        f"  MAILGATE_NOTIFY__API_KEY={api_key()}\n"
        "Something goes wrong at the next sends when their faults are posted:\n"
        f"""  curl -d '["drop", "502"]' {server.url}/dev/faults     # {", ".join(FAULTS)}\n"""
        f"What was sent can be read there too:\n  curl {server.url}/dev/sent",
        flush=True,
    )
    try:
        server.serve()
    except KeyboardInterrupt:
        print()
