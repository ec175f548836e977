"""Portuguese words made ready for Snowball, which stems by accents that people leave out."""

import re
from typing import Final

# Snowball stems "transações" to "transaçõ" and "transação" to "transaçã". Plurals become singular here
# first. Order matters: the longer ending stands before the shorter one.
_PLURALS: Final = (
    ("oes", "ao"),
    ("aes", "ao"),
    ("aos", "ao"),
    ("beis", "bil"),
    ("ceis", "cil"),
    ("geis", "gil"),
    ("sseis", "ssil"),
    ("eis", "el"),
    ("ais", "al"),
    ("ois", "ol"),
    ("uis", "ul"),
    ("aus", "au"),
    ("eus", "eu"),
)
_IRREGULAR: Final = {
    "maes": "mae",
    "leis": "lei",
    "reis": "rei",
    "bois": "boi",
    "herois": "heroi",
    "pinceis": "pincel",
    "uteis": "util",
    "inuteis": "inutil",
    "ferteis": "fertil",
    "texteis": "textil",
    "repteis": "reptil",
    "projeteis": "projetil",
    "portateis": "portatil",
    "volateis": "volatil",
    "versateis": "versatil",
}
_NOT_PLURAL: Final = frozenset(
    [
        "aos",
        "caos",
        "mais",
        "pais",
        "cais",
        "demais",
        "jamais",
        "ademais",
        "seis",
        "dezesseis",
        "dois",
        "pois",
        "depois",
        "sois",
        "fois",
        "deus",
        "adeus",
        "zeus",
        "mateus",
        "meus",
        "seus",
        "teus",
    ]
)
# Snowball would take the ending of "portugues" for a plural of its own and leave "portugueses" beside it.
_STRESSED_ES: Final = frozenset(
    [
        "portugues",
        "ingles",
        "frances",
        "chines",
        "japones",
        "holandes",
        "irlandes",
        "escoces",
        "noruegues",
        "dinamarques",
        "finlandes",
        "tailandes",
        "libanes",
        "burgues",
        "campones",
        "marques",
        "fregues",
        "montanhes",
        "milanes",
    ]
)
_PATTERNS: Final = (
    # Plurals of words in a stressed -il.
    (
        re.compile(
            "(perfi|civi|barri|fuzi|cani|funi|hosti|genti|suti|infanti|mercanti|estudanti|juveni|seni"
            "|febri|viri|servi|ardi|perni|quadri|imbeci|canti)s"
        ),
        r"\1l",
    ),
    # Snowball reads feminine adjectives in -ária as conditionals: "bancária" and "bancário" would not meet.
    (re.compile(r"(.{2,}(?:ar|ator|isor)|.+pr)ias?"), r"\1io"),
    # "bens" and "bem", and so "token" and "tokens".
    (re.compile(r"(.+[aeiou])ns?"), r"\1m"),
    # Loanwords: "backups", "clusters", "webhooks".
    (re.compile(r"(.*[aeiouy].*[bcdfghjklmpqrtvwxyz])s"), r"\1"),
)
# Endings that Snowball knows only with their accents.
_ACCENTED: Final = (
    ("avel", "ável"),
    ("ivel", "ível"),
    ("ivelmente", "ívelmente"),
    ("ancia", "ância"),
    ("ancias", "âncias"),
    ("encia", "ência"),
    ("encias", "ências"),
    ("cao", "ção"),
    ("ao", "ão"),
    ("avamos", "ávamos"),
    ("iamos", "íamos"),
    ("assemos", "ássemos"),
    ("essemos", "êssemos"),
    ("issemos", "íssemos"),
)


def mend(word: str) -> str:
    """The singular of a word without accents, with the accents that Snowball goes by."""
    return _accented(_singular(word))


def _singular(word: str) -> str:
    if word in _NOT_PLURAL:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, singular in _PATTERNS:
        if ending.fullmatch(word):
            return ending.sub(singular, word)
    return _with_ending(word, _PLURALS)


def _accented(word: str) -> str:
    if word in _STRESSED_ES:
        return word[:-2] + "ês"
    return _with_ending(word, _ACCENTED)


def _with_ending(word: str, endings: tuple[tuple[str, str], ...]) -> str:
    for ending, replacement in endings:
        if word.endswith(ending) and len(word) > len(ending):
            return word.removesuffix(ending) + replacement
    return word
