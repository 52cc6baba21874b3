"""Mail from files: .eml, mbox, Maildir, and folders of them."""

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from mailgate.errors import Refused
from mailgate.model.config import Config
from mailgate.model.message import Envelope, Message

_MBOX_ENDINGS = frozenset({".mbox", ".mbx", ""})
_MAIL_ENDINGS = frozenset({".eml", ".msg", ".txt", ".mail", ".mbox", ".mbx", ""})


def read_mails(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Each mail under *paths* with a name for it, folders in order of name.

    Links, pipes and devices are passed over inside folders (S56). Raises Refused for a path
    that does not exist or cannot be read.
    """
    for path in paths:
        if path.is_dir():
            for file in _files(path):
                yield from _mails(file)
        else:
            yield from _mails(path)


def envelope_of(message: Message, config: Config, at: datetime, mailbox: str | None) -> Envelope:
    """The envelope of a mail that came as a file: files have none, so its headers stand in.

    The sender is Return-Path, else From; the recipients are those named in it that are ours
    (E79), else *mailbox*. Who feeds us a file vouches for it.
    """
    named = (*(address.address for address in (*message.to, *message.cc)), *message.delivered_to)
    ours = tuple(dict.fromkeys(address for address in named if config.accepts(address)))
    return Envelope(
        sender=message.return_path,
        recipients=ours or ((mailbox,) if mailbox else ()),
        received_at=at,
        source="file",
        vouched=True,
    )


def _files(folder: Path) -> list[Path]:
    """The mail files of a folder; of a Maildir those in new and cur."""
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        return sorted([*(folder / "new").iterdir(), *(folder / "cur").iterdir()], key=lambda path: path.name)
    files = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        files += [Path(parent, name) for name in sorted(names) if Path(name).suffix.lower() in _MAIL_ENDINGS]
    return [file for file in files if file.is_file() and not file.is_symlink()]


def _mails(path: Path) -> Iterator[tuple[str, bytes]]:
    content = _content(path)
    if content is None:
        return
    if not _is_mbox(path, content):
        yield str(path), content
        return
    for number, mail in enumerate(split_mbox(content), start=1):
        yield f"{path}#{number}", mail


def _content(path: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else, never following a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"Cannot read {path}: {error.strerror}; name a readable mail file or folder.") from error
    with os.fdopen(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _is_mbox(path: Path, content: bytes) -> bool:
    """By its name and its first line: a single mail may quote such a line, or begin with one."""
    return path.suffix.lower() in _MBOX_ENDINGS and content.startswith(b"From ")


def split_mbox(content: bytes) -> Iterator[bytes]:
    """The mails of an mbox, without their separator lines, ">From " unquoted."""
    mail: list[bytes] = []
    blank = True
    for line in content.splitlines(keepends=True):
        if blank and line.startswith(b"From ") and b":" in line[-40:]:
            if mail:
                yield b"".join(mail)
            mail = []
            blank = False
            continue
        blank = line in (b"\n", b"\r\n")
        mail.append(line[1:] if line.lstrip(b">").startswith(b"From ") and line.startswith(b">") else line)
    if mail:
        yield b"".join(mail)
