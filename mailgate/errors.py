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


class NotNow(TryLater):
    """The whole way out has to rest for *seconds*: this mail is not at fault, and the try does not count.

    *for_people*: it will not mend itself.
    """

    def __init__(self, text: str, seconds: float, *, for_people: bool = False) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.for_people = for_people


class Away(TryLater):
    """The other side did not answer at all: if that goes on, asking for every mail is no use."""


class Uncertain(MailgateError):
    """It may have happened: ask before doing it again."""


class GiveUp(MailgateError):
    """It will never succeed; a person has to look."""


class BadTemplate(GiveUp):
    """The text that is kept on the other side does not fit what we send with it: others may be refused as well."""
