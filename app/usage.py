"""What several calls of models cost together."""

from collections.abc import Iterable

from rag.domain.answers import Usage


def total(usages: Iterable[Usage]) -> Usage:
    """The cost is known where that of every call is; what used no token was no call."""
    calls = [usage for usage in usages if usage.input_tokens or usage.output_tokens]
    costs = [usage.cost_usd for usage in calls if usage.cost_usd is not None]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in calls),
        output_tokens=sum(usage.output_tokens for usage in calls),
        cost_usd=sum(costs) if calls and len(costs) == len(calls) else None,
    )
