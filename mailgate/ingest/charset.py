"""Bytes to text: which charset a mail means, whatever it says (E73, E76, R13)."""

import re
import unicodedata
from encodings.aliases import aliases

_KNOWN = frozenset(
    """ascii big5 big5hkscs cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp855 cp866
    cp874 cp932 cp949 euc_jis_2004 euc_jp gb18030 hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 iso2022_jp_ext
    iso2022_kr iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16 iso8859_2 iso8859_3 iso8859_4 iso8859_5
    iso8859_6 iso8859_7 iso8859_8 iso8859_9 johab koi8_r koi8_t koi8_u mac_cyrillic mac_greek mac_roman shift_jis_2004
    tis_620 utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le utf_7 utf_8 utf_8_sig""".split()  # noqa: SIM905 - a list of words reads better as words
)
# What senders write and what they mean by it (the WHATWG labels, and Exchange's spellings).
_MEANT = {
    "ascii": "cp1252",
    "us_ascii": "cp1252",
    "latin_1": "cp1252",
    "latin1": "cp1252",
    "iso8859_1": "cp1252",
    "iso_8859_1": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312_80": "gb18030",
    "shift_jis": "cp932",
    "windows_31j": "cp932",
    "cp_850": "cp850",
    "utf8": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
}
# Charsets whose bytes look like ASCII and are not.
_SHIFTED = frozenset(name for name in _KNOWN if name.startswith(("utf_7", "utf_16", "utf_32", "iso2022", "hz")))
_UNDECLARED = frozenset({"", "unknown_8bit", "x_unknown", "default", "_autodetect", "binary", "8bit"})
_GUESSES = [
    "cp1252",
    "cp1251",
    "koi8_r",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "iso8859_2",
    "cp1253",
    "cp1254",
]
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_CONTROL_BYTES = bytes({*range(32), 127} - {9, 10})
# Text direction and zero-width characters: they make one name or address look like another.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")


def codec(label: str) -> str | None:
    """The codec that *label* means; "" where it declares nothing, None where we do not know it.

    An allow-list: names like "idna" or "undefined" are codecs too, and raise (R13).
    """
    name = label.strip().strip("\"'").lower().replace("-", "_").replace(" ", "_")[:60]
    if name in _UNDECLARED:
        return ""
    if name.startswith("windows_"):
        name = "cp" + name[8:]
    name = _MEANT.get(name, name)
    name = aliases.get(name, name)
    name = _MEANT.get(name, name)
    return name if name in _KNOWN else None


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """*data* as text, and the name of a defect or "": never raises."""
    name = codec(label)
    if data.isascii() and name not in _SHIFTED:
        return data.decode("ascii"), "unknown-charset" if name is None else ""
    if name is None:
        return _guessed(data), "unknown-charset"
    if not name:
        return _guessed(data), "undeclared-charset"
    try:
        return data.decode(name), ""
    except UnicodeError:
        if name in _SHIFTED:  # 8-bit bytes in a 7-bit charset: the label is wrong
            return _guessed(data), "charset-mismatch"
        fallback = "cp1252" if name in ("utf_8", "utf_8_sig") else name
        return data.decode(fallback, "replace"), "charset-mismatch"


def _guessed(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if len(data) >= 64:
        # Slow to import and to run, so only where nothing else tells.
        from charset_normalizer import from_bytes

        best = from_bytes(data[:4096], steps=3, cp_isolation=_GUESSES).best()
        if best is not None and best.encoding in _KNOWN and best.coherence > 0:
            return data.decode(best.encoding, "replace")
    return data.decode("cp1252", "replace")


def clean(text: str) -> str:
    """A body: line ends are LF, no other control character but TAB, NFC (E76)."""
    data = text.encode("utf-8", "ignore").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = data.translate(None, _CONTROL_BYTES).decode()  # a tenth of what a pattern costs
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def one_line(text: str, longest: int) -> str:
    """A header value, a name: one line, nothing invisible, NFC, at most *longest* characters (E76)."""
    text = " ".join(_CONTROLS.sub(" ", text).split())
    if not text.isascii():
        text = " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).split())
    return text[:longest].rstrip()
