"""Keeps a running gateway up with its files: what is right comes into force, what is wrong changes nothing.

The keys that sign tokens are among them, so that a new one needs no new start (E225).
"""

from collections.abc import Callable
from pathlib import Path

from mailgate import journal
from mailgate.errors import MailgateError
from mailgate.model.config import Config
from mailgate.workers.watch import Watched

FILES = ("*.yml", "rules/*.yml", "templates/*", "templates/cy/*")
KEYS = ("k[a-z]",)

Stamp = tuple[tuple[str, int, int, int], ...]


class Reloading:
    """Looks whether a file of the configuration, or a key, has changed, and waits until none changes any more.

    *read* is the configuration as the files say it now, *use* brings it into force; either raises MailgateError where
    it is wrong. *tell* hears of that, and how many mistakes there are. The operator's part needs a new start.
    """

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        use: Callable[[Config], None],
        tell: Callable[[int], None],
        watched: Watched,
    ) -> None:
        self._config, self._read, self._use, self._tell, self._watched = config, read, use, tell, watched
        self._watches = [*((Path(folder), FILES) for folder in config.folders), (Path(config.operator.keys), KEYS)]
        self._settled = self._last = self._stamp()

    def turn(self) -> int:
        """One look. Nothing is ever waiting: 0."""
        before, self._last = self._last, self._stamp()
        if self._last == before != self._settled:
            self._settled = self._last
            self._reload()
        return 0

    def _reload(self) -> None:
        try:
            found = self._read()
            config = found.model_copy(update={"operator": self._config.operator})
            self._use(config)
        except MailgateError as error:
            mistakes = str(error).splitlines()
            self._watched.mistakes = len(mistakes)
            journal.configuration_refused(self._config.version, mistakes)
            self._tell(len(mistakes))
            return
        self._watched.mistakes = 0
        self._config = config
        journal.configuration_in_force(config.version, needs_restart=found.operator != config.operator)

    def _stamp(self) -> Stamp:
        """What tells one state of the files from another."""
        found = []
        for folder, patterns in self._watches:
            for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
                try:
                    status = path.lstat()
                except FileNotFoundError:  # it went just now: the next look will differ
                    continue
                found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)
