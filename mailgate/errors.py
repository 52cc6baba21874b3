"""The words in which the outside world's failures reach the rest of the program.

Whoever talks to something outside (a socket, a database, a file) translates its errors
once, at the door. Workers then know three words: later, perhaps, never.
"""


class MailgateError(Exception):
    """Something a person should read: its text is one sentence that says what to do."""


class Refused(MailgateError):
    """What was asked for is not allowed or not valid; asking again changes nothing."""


class TryLater(MailgateError):
    """Nothing happened; the same call may succeed later."""


class SessionEnded(TryLater):
    """The other side ended a session that had served its time: nothing is wrong, and the next one may begin at once."""


class Uncertain(MailgateError):
    """It may have happened: ask before doing it again."""


class GiveUp(MailgateError):
    """It will never succeed; a person has to look."""
