"""What is due about the keys that sign tokens: the next one, and an old one that ends, or has ended (E225)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from mailgate.tickets.token import POSTS_FOR

SIGNS_FOR = timedelta(days=365)
_SOON = timedelta(days=30)
_HOW = 'see "A new signing key" in docs/operations.md'


def due(written: Mapping[str, datetime], now: datetime) -> Iterator[str]:
    """A sentence for each thing to do; *written*: when the file of each key was, in the order of their letters."""
    for letter, following in pairwise(written):
        ends = written[following] + POSTS_FOR
        if ends < now:
            yield f"k{letter} has proved nothing since {ends:%Y-%m-%d}: remove its file."
        elif ends < now + _SOON:
            yield f"Answers to what k{letter} signed prove nothing from {ends:%Y-%m-%d} on: its file may go then."
    for letter in list(written)[-1:]:
        if now - written[letter] > SIGNS_FOR:
            yield f"k{letter} has signed since {written[letter]:%Y-%m-%d}, over a year: write the next one; {_HOW}."
