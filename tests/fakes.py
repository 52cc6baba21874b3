"""Small stand-ins for the outside, written against our own interfaces."""

from concurrent.futures import Future
from pathlib import Path

from mailgate.model.message import Envelope


class MemoryLarge:
    """A large mail that is collected in memory."""

    def __init__(self, spool: "MemorySpool") -> None:
        self.spool = spool
        self.content = b""

    def write(self, portion: bytes) -> None:
        self.content += portion

    def commit(self, envelope: Envelope) -> Future[str]:
        return self.spool.put(envelope, self.content)

    def discard(self) -> None:
        self.content = b""


class MemorySpool:
    """Keeps mails in a list.

    *failure* makes every put fail, *no_room* every large mail; *hold* leaves them uncommitted until ``commit``.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, bytes]] = []
        self.large: list[MemoryLarge] = []
        self.failure: Exception | None = None
        self.no_room: Exception | None = None
        self.hold = False
        self._held: list[tuple[Future[str], Envelope, bytes]] = []

    def begin(self, envelope: Envelope) -> "MemoryLarge":
        if self.no_room is not None:
            raise self.no_room
        self.large.append(MemoryLarge(self))
        return self.large[-1]

    def put(self, envelope: Envelope, raw: bytes) -> Future[str]:
        future: Future[str] = Future()
        if self.failure is not None:
            future.set_exception(self.failure)
            return future
        self._held.append((future, envelope, raw))
        if not self.hold:
            self.commit()
        return future

    def commit(self) -> None:
        for future, envelope, raw in self._held:
            self.mails.append((envelope, raw))
            future.set_result(f"{len(self.mails):064x}")
        self._held.clear()


class FileSpool(MemorySpool):
    """Writes the last large mail into the file ``large``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / "large"

    def begin(self, envelope: Envelope) -> MemoryLarge:
        file = self._file

        class InFile(MemoryLarge):
            def write(self, portion: bytes) -> None:
                with file.open("ab") as out:
                    out.write(portion)

        return InFile(self)
