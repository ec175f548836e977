"""One stemmer a language, the same for a word with its accents and without them."""

import re
from functools import cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from rag.text.portuguese import mend
from rag.text.words import fold_accents

if TYPE_CHECKING:
    from collections.abc import Callable

_ALGORITHMS: Final = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}

STEMMED_LANGUAGES: Final = frozenset(_ALGORITHMS)

# Accents without which Snowball misses an ending, given back to words that lost them.
_ENDINGS: Final = {
    "es": ((re.compile(r"logia(s?)$"), r"logía\1"), (re.compile(r"(ab|i)amos$"), r"\1ámos")),
    "fr": (
        (re.compile(r"ite(s?)$"), r"ité\1"),
        (re.compile(r"ee(s?)$"), r"ée\1"),
        (re.compile(r"iere(s?)$"), r"ière\1"),
        (re.compile(r"erent$"), "èrent"),
    ),
    "it": ((re.compile(r"(?<=..)(bil|al|iv|os|ic|ac)ita$"), r"\1ità"),),
}

_stemming = Lock()


def stem(word: str, language: str) -> str:
    """The stem of a case-folded word, without accents. Unknown languages leave the word whole."""
    folded = fold_accents(word)
    if language not in _ALGORITHMS or any(map(str.isdigit, folded)):
        return folded
    mended = _mend(folded, language)
    with _stemming:  # Snowball's stemmers hold the word they work on
        stemmed = _stemmer(language).stemWord(mended)
    return fold_accents(stemmed) or folded


def _mend(word: str, language: str) -> str:
    if language == "pt":
        return mend(word)
    for ending, replacement in _ENDINGS.get(language, ()):
        word = ending.sub(replacement, word)
    return word


@cache
def _stemmer(language: str) -> Any:
    # Imported on first use: the package imports its 36 algorithms at once. Its own factory would take
    # PyStemmer where that is installed, whose version need not be the one that stemmed the index.
    name = _ALGORITHMS[language]
    module = import_module(f"snowballstemmer.{name}_stemmer")
    stemmer: Callable[[], Any] = getattr(module, f"{name.title()}Stemmer")
    return stemmer()
