"""What a call of a Bedrock model costs."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rag.adapters.bedrock.model_id import parse_model_id

_TOKENS_PER_PRICE: Final = 1_000_000
_CACHE_READ: Final = 0.1
# Kept for five minutes; an hour costs 2.0 and is not asked for.
_CACHE_WRITE: Final = 1.25
_GEOGRAPHIC: Final = 1.1


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """`input` without what was read from the cache or written to it."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


# On demand, state of November 2026.
PRICES: Final = MappingProxyType(
    {
        "anthropic.claude-haiku-5-5": Price(input=0.10, output=0.50),
        "anthropic.claude-sonnet-5-5": Price(input=2.0, output=10.0),
        "anthropic.claude-opus-5-5": Price(input=4.0, output=20.0),
    }
)


def cost_usd(model_id: str, tokens: Tokens) -> float | None:
    """None: the model's price is not known here."""
    model = parse_model_id(model_id)
    price = PRICES.get(model.base)
    if price is None:
        return None
    read = tokens.input + _CACHE_READ * tokens.cache_read + _CACHE_WRITE * tokens.cache_write
    factor = _GEOGRAPHIC if model.is_geographic else 1.0
    return factor * (read * price.input + tokens.output * price.output) / _TOKENS_PER_PRICE
