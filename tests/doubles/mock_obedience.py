"""Whatever a text tells a model to do, found and done: what prompt injection looks like at its worst."""

import re
from collections.abc import Iterable
from typing import Final

_SAY: Final = (
    r"(?:say|reply|respond|answer|print|output|write|repeat|return"
    r"|diga|responda|escreva|imprima|repita|devolva)"
)
_HOW: Final = r"(?:\s+(?:only|just|exactly|back|apenas|somente|só|exatamente))*(?:\s+(?:with|com))?"
_WHAT: Final = r"(?:\s+(?:the|a|as|o)\s+(?:words?|text|phrase|sentence|palavras?|texto|frase))?"
_REST: Final = r"\s*[:\s]\s*(?P<said>[^.!\n]+)"
_QUOTED: Final = r"\s*:?\s*[\"“'‘«](?P<said>[^\"”'’»]+)[\"”'’»]"
_FORGET: Final = (
    r"(?:ignore|disregard|forget|override|desconsidere|esqueça|ignora)\b[^.\n]{0,80}?"
    r"(?:instructions?|rules?|prompt|above|everything|instruções|regras|tudo)[^\n]{0,40}?"
)

_COMMANDS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_FORGET}\b{_SAY}{_HOW}{_WHAT}{_QUOTED}",
        rf"{_FORGET}\b{_SAY}{_HOW}{_WHAT}{_REST}",
        rf"\b{_SAY}{_HOW}{_WHAT}{_QUOTED}",
        rf"\b{_SAY}\s+(?:only|just|exactly|apenas|somente)(?:\s+(?:with|com))?{_WHAT}{_REST}",
    )
)
# A text that closes what it stands in, or speaks as somebody else: what follows is an order.
_ESCAPED: Final = re.compile(
    r"(?:</[\w-]+(?: \d+)?>|<\|?im_start\|?>|\[/?INST\]|^\s*#+)?\s*"
    r"(?:^|(?<=>)|(?<=\]))\s*(?:system|assistant|human|user|sistema|developer)\s*:\s*(?P<said>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_ORDER: Final = re.compile(
    r"(?:^|(?<=[.!?\n]\s)|(?<=\n))(?:please\s+)?(?P<said>(?:add|append|call|delete|email|ensure|execute|explain|fetch"
    r"|forward|give|ignore|include|insert|list|provide|reveal|send|show|tell|translate|use|visit|write|apague"
    r"|envie|execute|ignore|inclua|liste|mostre|revele|use)\b[^\n]{8,200}?)(?:[.!?\n]|$)",
    re.IGNORECASE,
)


def command_in(texts: Iterable[str]) -> str | None:
    """What the first text that orders something makes the model say; None: no text orders anything."""
    told = list(texts)
    for text in told:
        for pattern in _COMMANDS:
            if found := pattern.search(text):
                return found["said"].strip()
    for pattern in (_ESCAPED, _ORDER):
        for text in told:
            if found := pattern.search(text):
                return f"As I was told: {found['said'].strip()}."
    return None
