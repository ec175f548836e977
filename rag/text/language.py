"""Which language a text is written in."""

from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any, Final

# Snowball's living languages plus the three large ones that are written without it. Catalan, Basque,
# Galician and other close neighbours are left out: short Portuguese and Spanish questions would be
# taken for them (26 of 900 Portuguese questions came out as Galician from the whole model).
LANGUAGES: Final = frozenset(
    [
        "ar",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fi",
        "fr",
        "hi",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sr",
        "sv",
        "tr",
        "zh",
    ]
)

_FEWEST_LETTERS: Final = 6  # "O que é X?"
_ODDS: Final = 2.0  # how much likelier than the default another language must be
_SAMPLES: Final = 3
_SAMPLE_LENGTH: Final = 1_500

_loading = Lock()


def detect_language(text: str, *, default: str = "en") -> str:
    """The ISO 639-1 code of the text's language, one of LANGUAGES.

    The default stands for texts with too few letters and for those that fit it nearly as well as any.
    """
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return default
    with _loading:
        identifier = _identifier()
    likelihood: dict[str, float] = dict(identifier.rank(sample))
    language = max(likelihood, key=likelihood.__getitem__)
    return language if likelihood[language] > _ODDS * likelihood.get(default, 0.0) else default


def _sample(text: str) -> str:
    """A bounded part of the text: its beginning alone may be a licence in another language."""
    if len(text) <= _SAMPLES * _SAMPLE_LENGTH:
        return text
    step = (len(text) - _SAMPLE_LENGTH) // (_SAMPLES - 1)
    starts = range(0, _SAMPLES * step, step)
    return "\n".join(text[start : start + _SAMPLE_LENGTH] for start in starts)


@cache
def _identifier() -> Any:
    # Imported on first use: numpy, 0.3 s, and the packed model, 0.8 s.
    langid = import_module("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
