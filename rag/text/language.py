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

_FEWEST_LETTERS: Final = 10
_LEAST_CONFIDENCE: Final = 0.3  # 1 / len(LANGUAGES) would be a guess
_SAMPLES: Final = 3
_SAMPLE_LENGTH: Final = 1_500

_loading = Lock()


def detect_language(text: str, *, default: str = "en") -> str:
    """The ISO 639-1 code of the text's language, one of LANGUAGES.

    The default stands for texts with too few letters and for those that fit no language.
    """
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return default
    with _loading:
        identifier = _identifier()
    language, confidence = identifier.classify(sample)
    return str(language) if confidence >= _LEAST_CONFIDENCE else default


def _sample(text: str) -> str:
    """A bounded part of the text: its beginning alone may be a licence in another language."""
    if len(text) <= _SAMPLES * _SAMPLE_LENGTH:
        return text
    step = (len(text) - _SAMPLE_LENGTH) // (_SAMPLES - 1)
    return "\n".join(text[start * step :][:_SAMPLE_LENGTH] for start in range(_SAMPLES))


@cache
def _identifier() -> Any:
    # Imported on first use: numpy and the model take about a second (2 cores, July 2025).
    langid = import_module("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
