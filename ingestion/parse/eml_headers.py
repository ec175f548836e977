"""The headers of an e-mail as a reader sees them: encoded words decoded, one line each."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from itertools import groupby

from ingestion.parse.builder import clean, one_line
from ingestion.parse.eml_parts import Part
from ingestion.parse.encoding import decode

# RFC 2047; between two words, white space only folds the line. Bounded: a header may be megabytes of "=?".
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,1000})\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s{1,100}(?==\?)")
# Python has codecs that no mail means, "unicode_escape" among them.
_CHARSET = re.compile(r"(?!.*(?:escape|idna|punycode|undefined))[a-z0-9][\w.:-]{0,40}")
_NOT_ESCAPED = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
_LONGEST = 1_000_000
# What senders write without meaning it: the bytes themselves say it better.
_UNTRUSTED = frozenset({"", "us-ascii", "ascii", "unknown-8bit", "iso-8859-1", "latin-1", "latin1"})


def header(message: Part, name: str) -> str:
    """The header's text; several of one name are parted by commas."""
    values = [shown(str(value)) for key, value in message.raw_items() if key.lower() == name.lower()]
    return ", ".join(filter(None, values))


def shown(value: str) -> str:
    """Raises CorruptDocument where the header is in an encoding that cannot be told."""
    escaped = _NOT_ESCAPED.sub("�", value[:_LONGEST])
    text = decode(escaped.encode("utf-8", "surrogateescape"))
    return one_line(clean("".join(_pieces(_BETWEEN_WORDS.sub("", text)))))


def decode_as(data: bytes, charset: str | None) -> str:
    """The text in the charset named, else in the one detected. Raises CorruptDocument."""
    name = (charset or "").strip().strip("\"'").lower()
    if name in _UNTRUSTED or not _CHARSET.fullmatch(name):
        return decode(data)
    try:
        text = data.decode(name)
    except (UnicodeError, LookupError):
        return decode(data)
    return text.encode("utf-8", "replace").decode()  # some codecs give lone surrogates


def _pieces(text: str) -> Iterator[str]:
    position = 0
    for (charset, _), group in groupby(_words(text), key=lambda pair: pair[0]):
        words = [match for _, match in group]
        yield text[position : words[0].start()]
        yield _decoded(words, charset)
        position = words[-1].end()
    yield text[position:]


def _words(text: str) -> Iterator[tuple[tuple[str, int], re.Match[str]]]:
    """Each encoded word with its charset and the number of its run of adjacent words."""
    run = 0
    end = -1
    for match in _WORD.finditer(text):
        run += match.start() != end
        end = match.end()
        yield (match[1].partition("*")[0].lower(), run), match


def _decoded(words: list[re.Match[str]], charset: str) -> str:
    """Words of one charset together, as some senders cut a character in two; as they stand if damaged."""
    try:
        data = b"".join(_data(match[2].lower(), match[3]) for match in words)
    except (binascii.Error, ValueError):
        return "".join(match[0] for match in words)
    return decode_as(data, charset)


def _data(encoding: str, text: str) -> bytes:
    raw = text.encode("ascii")
    if encoding == "q":
        return quopri.decodestring(raw, header=True)
    return base64.b64decode(raw + b"=" * (-len(raw) % 4))
