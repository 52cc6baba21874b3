"""Large mails in a bucket that speaks S3. Where it is and who we are stand in the environment alone (``AWS_…``)."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any

from mailgate.errors import TryLater
from mailgate.store.objects import ERASED, NAME, checked, lost

UPLOADS = 2  # at a time: the library holds the whole object while it sends it
PATIENCE = timedelta(seconds=20)
RETRIES = 2


class Bucket:
    """One object a mail below *prefix*, created only where there is none of that name (docs/reliability.md R20)."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._lock = Lock()
        self._uploads = BoundedSemaphore(UPLOADS)
        self._opened: Any = None

    @property
    def _store(self) -> Any:
        """Opened at first use: the library's threads do not survive a fork."""
        with self._lock:
            if self._opened is None:
                from obstore.store import S3Store

                self._opened = S3Store(
                    self._bucket,
                    prefix=self._prefix or None,
                    client_options={
                        "timeout": PATIENCE,
                        "connect_timeout": timedelta(seconds=5),
                        "allow_http": os.environ.get("AWS_ALLOW_HTTP") == "true",
                    },
                    retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
                )
            return self._opened

    def make_ready(self) -> None:
        """Nothing: what is not finished is in a file without a name, gone with its process."""

    def begin(self) -> "IncomingUpload":
        return IncomingUpload(self)

    def upload(self, name: str, content: Any) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        # A name is ours alone: it exists where a first try arrived and its answer was lost.
        with self._uploads, _translated(), suppress(AlreadyExistsError):
            obstore.put(self._store, name, content, mode="create")

    def read(self, name: str) -> bytes:
        import obstore

        try:
            with _translated():
                return bytes(obstore.get(self._store, checked(name)).bytes())
        except FileNotFoundError as error:
            raise lost(name) from error

    def remove(self, name: str) -> None:
        import obstore

        with _translated(), suppress(FileNotFoundError):
            obstore.delete(self._store, checked(name))

    def kept(self) -> Iterator[tuple[str, datetime]]:
        import obstore

        with _translated():
            for page in obstore.list(self._store):
                for found in page:
                    if NAME.fullmatch(found["path"]):
                        yield found["path"], found["last_modified"]

    def bury(self, name: str) -> None:
        self.upload(f"{ERASED}/{name}", b"")

    def buried(self) -> Iterator[str]:
        import obstore

        with _translated():
            for page in obstore.list(self._store, ERASED):
                yield from (found["path"].rpartition("/")[2] for found in page)


class IncomingUpload:
    """Collected in a file without a name, below TMPDIR, and sent when all of it is there."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        with _translated():
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open until finish or discard)

    def write(self, portion: bytes) -> None:
        rest = memoryview(portion)
        with _translated():
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self, name: str) -> None:
        with _translated(), mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            self._bucket.upload(name, content)
        self.discard()

    def discard(self) -> None:
        self._file.close()


@contextmanager
def _translated() -> Iterator[None]:
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except (AlreadyExistsError, FileNotFoundError):
        raise
    except BaseError as error:
        raise TryLater("the object store of store.raw does not take or give objects for now") from error
    except OSError as error:
        raise TryLater(f"the folder for passing files reported: {error.strerror}") from error
