"""The text of one SMTP DATA command, put together from chunks of any size (RFC 5321 section 4.5.2).

Only CRLF.CRLF ends it (E22, S2). Bare CR and LF are content. Lines may have any length (R4): nothing
here looks at lines, so 40 MiB of empty ones cost no more than 40 MiB of anything else (R3).
"""

END = b"\r\n.\r\n"


class IncomingText:
    """Takes chunks until the final dot; keeps at most *limit* bytes, and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray(b"\r\n")  # as if a line had ended before it, so that "." alone is an empty mail
        self._dropped = 0

    @property
    def size(self) -> int:
        """Bytes seen so far, as they came over the wire."""
        return len(self._kept) - 2 + self._dropped

    @property
    def is_too_big(self) -> bool:
        return self.size > self._limit

    def take(self, chunk: bytes) -> bytes | None:
        """Add *chunk*; None while the text goes on, else what followed the final dot in it."""
        searched = max(0, len(self._kept) - len(END) + 1)
        self._kept += chunk
        end = self._kept.find(END, searched)
        rest = None if end < 0 else bytes(self._kept[end + len(END) :])
        if end >= 0:
            del self._kept[end + 2 :]
        if len(self._kept) - 2 > self._limit + (0 if end >= 0 else len(END)):
            self._drop()
        return rest

    def content(self) -> bytes:
        """The mail as its sender wrote it: without the dots that protected lines."""
        text = bytes(memoryview(self._kept)[2:]) if b"\r\n." not in self._kept else self._unstuffed()
        self._kept.clear()
        return text

    def _unstuffed(self) -> bytes:
        return bytes(memoryview(self._kept.replace(b"\r\n.", b"\r\n"))[2:])

    def _drop(self) -> None:
        """Forget everything but what may be the beginning of the end."""
        gone = len(self._kept) - len(END) + 1
        if gone > 0:
            self._dropped += gone
            del self._kept[:gone]
