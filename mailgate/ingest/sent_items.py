"""Our own mails among what was sent through an account: which they are, and what the server called them (E124)."""

from mailgate.model.folder import Sent
from mailgate.model.message import Message

FIELDS = ("MESSAGE-ID", "X-MAILGATE-LOOP", "X-MAILGATE-ID")
"""What of a header ``ours`` wants to see."""


def ours(header: Message, loop_id: str) -> Sent | None:
    """Which of the mails of the gateway *loop_id* that is; None where it is none, or about no ticket."""
    ref, dot, serial = header.header("x-mailgate-id").strip().rpartition(".")
    is_number = dot and serial.isascii() and serial.isdecimal() and len(serial) < 10
    if header.header("x-mailgate-loop").strip() != loop_id or not is_number or "no-message-id" in header.defects:
        return None
    return Sent(ref, int(serial), header.message_id)
