"""What tokens cost, and of which models that is known."""

import pytest

from rag.adapters.bedrock.prices import Tokens, cost_usd

MILLION = 1_000_000
HAIKU = "anthropic.claude-haiku-5-5"
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-5-5"


@pytest.mark.parametrize(
    ("tokens", "dollars"),
    [
        (Tokens(input=MILLION, output=0), 0.10),
        (Tokens(input=0, output=MILLION), 0.50),
        (Tokens(input=0, output=0, cache_read=MILLION), 0.01),
        (Tokens(input=0, output=0, cache_write=MILLION), 0.125),
        (Tokens(input=MILLION, output=MILLION, cache_read=MILLION, cache_write=MILLION), 0.735),
    ],
)
def test_each_kind_of_token_has_its_price(tokens: Tokens, dollars: float) -> None:
    assert cost_usd(f"global.{HAIKU}", tokens) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("model_id", "dollars"),
    [
        (f"global.{HAIKU}", 0.10),
        (f"us.{HAIKU}", 0.11),
        (f"jp.{HAIKU}", 0.11),
        (ARN, 0.11),
        ("global.anthropic.claude-sonnet-5-5", 2),
        ("eu.anthropic.claude-opus-5-5", 4.4),
    ],
)
def test_a_geographic_profile_costs_a_tenth_more(model_id: str, dollars: float) -> None:
    assert cost_usd(model_id, Tokens(input=MILLION, output=0)) == pytest.approx(dollars)


@pytest.mark.parametrize("model_id", ["us.amazon.nova-lite-v1:0", "mock-grounded", HAIKU + "-v9", ""])
def test_other_models_prices_are_not_guessed(model_id: str) -> None:
    assert cost_usd(model_id, Tokens(input=1, output=1)) is None
