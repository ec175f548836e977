"""What an AWS account may use: models, quotas, databases."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Identity:
    account: str
    arn: str


@dataclass(frozen=True, kw_only=True)
class ModelAccess:
    """`name` is what quotas call the model; the rest is whether each condition of a call is met."""

    name: str
    legacy: bool
    agreed: bool
    authorized: bool
    entitled: bool
    in_region: bool


@dataclass(frozen=True, kw_only=True)
class Quota:
    name: str
    code: str
    value: float
    adjustable: bool
