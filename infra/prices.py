"""Prices of us-east-1 in US dollars, and where each is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DATE: Final = "November 2026"
HOURS_PER_MONTH: Final = 730


@dataclass(frozen=True, kw_only=True)
class Price:
    """`checked`: looked up on DATE; the others are remembered and may have changed."""

    usd: float
    checked: bool = False


INSTANCE_HOUR: Final[Mapping[str, Price]] = {
    "t4g.micro": Price(usd=0.016),
    "t4g.small": Price(usd=0.032),
    "t4g.medium": Price(usd=0.065),
    "t4g.large": Price(usd=0.129),
    "m7g.large": Price(usd=0.168),
    "m7g.xlarge": Price(usd=0.337),
    "r7g.large": Price(usd=0.239),
    "r7g.xlarge": Price(usd=0.478),
}
RDS_GIB_MONTH: Final = Price(usd=0.115)
AURORA_CAPACITY_HOUR: Final = Price(usd=0.12)
AURORA_GIB_MONTH: Final = Price(usd=0.10)
ENDPOINT_HOUR: Final = Price(usd=0.01, checked=True)
NAT_HOUR: Final = Price(usd=0.045, checked=True)
PUBLIC_ADDRESS_HOUR: Final = Price(usd=0.005)
SHARD_HOUR: Final = Price(usd=0.015)
SHARD_HOUR_RETAINED: Final = Price(usd=0.02)
SECRET_MONTH: Final = Price(usd=0.40)
ALARM_MONTH: Final = Price(usd=0.10)
SAGEMAKER_HOUR: Final[Mapping[str, Price]] = {
    "ml.inf2.xlarge": Price(usd=0.99),
    "ml.g6.xlarge": Price(usd=1.13),
}
LAMBDA_GIB_SECOND: Final = Price(usd=0.0000133334)
LAMBDA_REQUEST: Final = Price(usd=0.20e-6)
HTTP_API_REQUEST: Final = Price(usd=1.00e-6)
REST_API_REQUEST: Final = Price(usd=3.50e-6)
QUEUE_REQUEST: Final = Price(usd=0.40e-6)
BUCKET_WRITE: Final = Price(usd=5e-6)
TEXTRACT_PAGE: Final = Price(usd=0.0015)

# A million tokens, in and out; of an embedding model in only.
TOKENS: Final[Mapping[str, tuple[float, float]]] = {
    "amazon.titan-embed-text-v2:0": (0.02, 0),
    "cohere.embed-v4:0": (0.12, 0),
    "anthropic.claude-haiku-5-5": (0.10, 0.50),
    "anthropic.claude-sonnet-5-5": (2.0, 10.0),
    "anthropic.claude-opus-5-5": (4.0, 20.0),
}
# What a profile of one geography costs more than the global one.
GEOGRAPHY_SURCHARGE: Final = 0.10
RERANKED_QUERY: Final[Mapping[str, float]] = {
    "amazon.rerank-v1:0": 0.001,
    "cohere.rerank-v3-5:0": 0.002,
}
