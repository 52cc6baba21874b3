"""``python -m bench.slow serve ...``: mailgate on a slow disk.

Each COMMIT of a gateway that is started so begins with a sleep of 5 ms, within its transaction: like a real
``fsync`` it holds the lock for writing and lets the other threads run. Everything else is ``mailgate`` itself.
"""

import time
from typing import Any

from sqlalchemy import Engine, event

from mailgate.cli.main import main

SECONDS = 0.005


@event.listens_for(Engine, "before_cursor_execute")
def slow_down(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if statement == "COMMIT":
        time.sleep(SECONDS)


if __name__ == "__main__":
    main()
