"""RTF as a stream of tokens: braces, control words, bytes of text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?"  # control word
    rb"|\\'([0-9a-fA-F]{2})"  # a byte of the current code page
    rb"|\\([^a-zA-Z])"  # control sign
    rb"|([{}])"
    rb"|[\r\n\x00]+"
    rb"|([^\\{}\r\n\x00]+)",
    re.DOTALL,
)


class Kind(Enum):
    OPEN = "{"
    CLOSE = "}"
    WORD = "word"
    SIGN = "sign"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    name: str = ""
    number: int | None = None
    data: bytes = b""


_BRACES = {b"{": Token(Kind.OPEN), b"}": Token(Kind.CLOSE)}


def tokens(body: bytes) -> Iterator[Token]:
    position = 0
    while match := _TOKEN.match(body, position):
        position = match.end()
        word, parameter, code, sign, brace, text = match.groups()
        if word is not None:
            number = None if parameter is None else int(parameter)
            if word == b"bin":  # so many bytes of anything follow
                position += max(number or 0, 0)
            else:
                yield Token(Kind.WORD, word.decode("ascii"), number)
        elif code is not None:
            yield Token(Kind.BYTES, data=bytes([int(code, 16)]))
        elif sign is not None:
            yield Token(Kind.SIGN, sign.decode("latin-1"))
        elif brace is not None:
            yield _BRACES[brace]
        elif text is not None:
            yield Token(Kind.BYTES, data=text)
