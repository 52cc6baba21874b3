"""The phrases of a mail that might say what it asks for, to choose from when a task is taught a new one."""

from collections.abc import Iterator

from mailgate.rules.phrases import words_of
from mailgate.rules.stems import is_small

LONGEST = 4  # words
SHORTEST = 2  # one word alone is found everywhere


def wordings(text: str) -> Iterator[str]:
    """Every run of a few words within one sentence of *text*, in small letters, in order of place.

    None begins or ends with a small word, and none has a number in it: that is of one case.
    """
    words = words_of(text)
    for first, last in words.sentences():
        for start in range(first, last):
            for end in range(start + SHORTEST, min(start + LONGEST, last) + 1):
                said = words.texts[start:end]
                if not is_small(said[0]) and not is_small(said[-1]) and all(map(_is_word, said)):
                    yield " ".join(said)


def _is_word(word: str) -> bool:
    return word.replace("-", "").replace("'", "").replace("’", "").isalpha()
