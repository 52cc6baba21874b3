"""What makes two mails the same, by whatever road they came: K2 of E150."""

import hashlib

from mailgate.model.message import Attachment, Message
from mailgate.tickets.subject import plain

_SIGNATURE_IMAGE = 5 * 1024  # bytes; a logo below this says nothing about the request


def fingerprint(message: Message, content: str) -> str:
    """The date and the *content* of *message* as one hex digest (E151)."""
    sent = str(int(message.date.timestamp())) if message.date else ""
    return _digest(sent, content)


def content(message: Message) -> str:
    """Sender, subject, wording and attachments as one hex digest: equal for a mail that somebody sends again (E153).

    The Message-ID does not count. The subject keeps our own tag, and the quoted history and the mail
    that is answered count, so that "Any update?" about two tickets is two mails. Banners and
    markings do not: not every road adds them.
    """
    sender = message.from_.address if message.from_ else ""
    texts = (plain(message.subject), message.reply_text, message.signature, message.quoted)
    files = sorted(file.sha256 for file in message.attachments if not _is_decoration(file))
    answers = message.in_reply_to[0] if message.in_reply_to else ""
    return _digest(sender, answers, *(" ".join(text.lower().split()) for text in texts), *files)


def _is_decoration(file: Attachment) -> bool:
    """Only small images are: a small form or list may be all that two requests differ in."""
    return file.size < _SIGNATURE_IMAGE and (file.inline or file.content_type.startswith("image/"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
