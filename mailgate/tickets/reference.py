"""The reference people see, "MG-7K3F-99": random, never reused, and sure to notice one slip (E220-E222)."""

import re
from collections.abc import Callable
from functools import lru_cache

ALPHABET = "2346789CDFGHJKMNPQRTWXY"  # 23 symbols, a prime: no vowels, no look-alikes
_DATA = 5
_DASH = "[-. \u00a0\u2010\u2011\u2013]?"  # Outlook makes other hyphens of ours


def make(prefix: str, randbelow: Callable[[int], int]) -> str:
    """A new reference; *randbelow* is ``secrets.randbelow`` or a test's own (E222)."""
    data = "".join(ALPHABET[randbelow(len(ALPHABET))] for _ in range(_DATA))
    return canonical(data + ALPHABET[-_weighed(data) % len(ALPHABET)], prefix)


def canonical(symbols: str, prefix: str) -> str:
    """ "7k3f99" as people see it, "MG-7K3F-99"; *symbols* are the six, in either case."""
    symbols = symbols.upper()
    return f"{prefix}-{symbols[:4]}-{symbols[4:]}"


def symbols_of(ref: str) -> str:
    """The six symbols of a canonical reference without its prefix: what tokens sign (E223)."""
    return ref.partition("-")[2].replace("-", "").upper()


def is_valid(ref: str) -> bool:
    """Whether the canonical *ref* has six symbols of the alphabet and the right check character."""
    symbols = symbols_of(ref)
    if len(symbols) != _DATA + 1 or not set(symbols) <= set(ALPHABET):
        return False
    return (_weighed(symbols[:_DATA]) + ALPHABET.index(symbols[_DATA])) % len(ALPHABET) == 0


def find(text: str, prefix: str) -> tuple[str, ...]:
    """The valid references that *text* names, canonical, each once, in order (E221)."""
    return tuple(ref for ref in _written(text, prefix) if is_valid(ref))


def mistyped(text: str, prefix: str) -> tuple[str, ...]:
    """What looks like a reference of ours but fails its check: told to people, never corrected (E221)."""
    return tuple(ref for ref in _written(text, prefix) if not is_valid(ref))


def _weighed(data: str) -> int:
    return sum(weight * ALPHABET.index(symbol) for weight, symbol in enumerate(data, start=2))


def _written(text: str, prefix: str) -> dict[str, None]:
    if prefix.lower() not in text.lower():
        return {}
    found = (match["symbols"] for match in _pattern(prefix).finditer(text) if match["symbols"])
    return dict.fromkeys(canonical("".join(char for char in symbols if char.isalnum()), prefix) for symbols in found)


@lru_cache(maxsize=16)
def _pattern(prefix: str) -> re.Pattern[str]:
    """Web addresses are matched first, and so hide what stands in them."""
    symbol = f"[{ALPHABET}]"
    symbols = f"(?P<symbols>{symbol}{{4}}{_DASH}{symbol}{{2}})"
    reference = rf"(?<![\w/@=&#-])(?ai:{re.escape(prefix)}{_DASH}{symbols})(?![-/@=]?\w)(?!\.\w)"
    return re.compile(rf"(?ai:\b[a-z][a-z0-9+.-]{{1,20}}://|\bwww\.)\S*|{reference}")
