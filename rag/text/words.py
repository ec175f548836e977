"""The words of a text, and the compounds that people search for as they are typed."""

import re
from typing import Final
from unicodedata import normalize

# Vowel signs and other marks that belong to the letter before them, and all letters of the Indic blocks.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u3099\u309a"
)
_WORD: Final = rf"[^\W_](?:[^\W_]|[{_MARKS}])*"
_JOINT: Final = r"(?:[-./@&+]|_+|::|(?<=\d)[,:](?=\d))"
_TOKEN: Final = re.compile(rf"{_WORD}(?:{_JOINT}{_WORD})*(?:(?:\+\+|#)(?!\w))?")
_PART: Final = re.compile(_WORD)

# Thai, Lao, Myanmar, Khmer, Japanese, Chinese and Korean.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_SCRIPT_RUN: Final = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")

_ACCENTS: Final = re.compile("(?<=[a-zα-ω])[\u0300-\u036f]+")
_STROKES: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_TYPOGRAPHY: Final = str.maketrans(
    dict.fromkeys("\u00ad\u200c\u200d\u2060\ufeff") | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
)
_POSSESSIVE: Final = re.compile(r"(?<=\w)['\u2019]s(?!\w)")


def tokens(text: str) -> list[str]:
    """Words and compounds ("get_user_by_id", "8.666/93", "c++") of the text, in order, case folded."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = normalize("NFKC", normalize("NFKC", text).translate(_TYPOGRAPHY).casefold())
    return _TOKEN.findall(_POSSESSIVE.sub("", folded))


def parts(token: str) -> list[str]:
    """The words that a token is made of."""
    return _PART.findall(token)


def pieces(word: str) -> list[str]:
    """The word, or the character bigrams of its runs in a script that puts no spaces between words."""
    if not _IS_UNSPACED.search(word):
        return [word]
    return [piece for run in _SCRIPT_RUN.findall(word) for piece in _bigrams(run)]


def fold_accents(word: str) -> str:
    """The word without the accents of Latin and Greek letters; other scripts need their marks."""
    if word.isascii():
        return word
    return normalize("NFC", _ACCENTS.sub("", normalize("NFD", word.translate(_STROKES))))


def _bigrams(run: str) -> list[str]:
    if len(run) == 1 or not _IS_UNSPACED.match(run):
        return [run]
    return [run[start : start + 2] for start in range(len(run) - 1)]
