"""The text of one SMTP DATA command, put together from chunks of any size (RFC 5321 section 4.5.2).

Only CRLF.CRLF ends it (E22, S2). Bare CR and LF are content. Lines may have any length (R4): nothing
here looks at lines, so 40 MiB of empty ones cost no more than 40 MiB of anything else (R3).
"""

import re

DOT = b"\r\n."
END = b"\r\n.\r\n"
RECEIVED = b"\nreceived:"
_DOT, _END = re.compile(re.escape(DOT)), re.compile(re.escape(END))  # twice as fast as find, where line ends abound


class IncomingText:
    """Takes chunks until the final dot, gives content in portions; keeps nothing beyond *limit* and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray(b"\r\n")  # as if a line had ended before it, so that "." alone is an empty mail
        self._gone = -2  # bytes that were given or dropped
        self._has_dots = False
        self._ended = False

    @property
    def size(self) -> int:
        """Bytes seen so far, as they came over the wire."""
        return len(self._kept) + self._gone

    @property
    def is_too_big(self) -> bool:
        return self.size > self._limit

    @property
    def waiting(self) -> int:
        """About how many bytes ``portion`` would give."""
        return len(self._kept)

    def take(self, chunk: bytes) -> bytes | None:
        """Add *chunk*; None while the text goes on, else what followed the final dot in it."""
        searched = max(0, len(self._kept) - len(END) + 1)
        self._kept += chunk
        dot = _DOT.search(self._kept, searched)
        self._has_dots |= dot is not None
        final = _END.search(self._kept, dot.start()) if dot else None
        rest = bytes(self._kept[final.end() :]) if final else None
        if final:
            self._ended = True
            del self._kept[final.start() + 2 :]
        if self.size > self._limit + (0 if final else len(END)):
            self._forget(self._certain())
        return rest

    def portion(self) -> bytes:
        """The next of the mail as its sender wrote it, without the dots that protected lines; at the end all of it."""
        certain = self._certain()
        given = self._kept if certain == len(self._kept) else self._kept[:certain]
        if self._has_dots:
            given = given.replace(DOT, b"\r\n")
        content = bytes(memoryview(given)[2:] if self._gone < 0 else given)
        self._forget(certain)
        self._has_dots = DOT in self._kept
        return content

    def _certain(self) -> int:
        """How many of the kept bytes are content, whatever comes."""
        if self._ended:
            return len(self._kept)
        certain = max(0, len(self._kept) - len(END) + 1)
        if self._kept.endswith(b"\r\n", 0, certain):  # a dot that comes next may protect a line
            return certain - 2
        return certain - 1 if self._kept.endswith(b"\r", 0, certain) else certain

    def _forget(self, count: int) -> None:
        self._gone += count
        del self._kept[:count]


class ReceivedFields:
    """Counts the Received fields of a header that comes in portions."""

    def __init__(self) -> None:
        self.count = 0
        self._carried = b"\r\n"
        self._in_header = True

    def take(self, portion: bytes) -> None:
        if not self._in_header:
            return
        seen = self._carried + portion
        ends = [end for end in (seen.find(b"\r\n\r\n"), seen.find(b"\n\n")) if end >= 0]
        header = seen[: min(ends)] if ends else seen
        self.count += header.lower().count(RECEIVED)
        self._in_header = not ends
        self._carried = header[-len(RECEIVED) + 1 :]
