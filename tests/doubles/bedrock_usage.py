"""What a Converse request costs in tokens, with the prefixes that a cachePoint ends."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.doubles.bedrock_models import count_tokens


@dataclass(frozen=True, kw_only=True)
class InputTokens:
    """`fresh`: neither read from the cache nor written to it."""

    fresh: int
    cache_read: int = 0
    cache_write: int = 0
    ttl: str = "5m"
    cached: bool = False  # the request has a cachePoint

    @property
    def total(self) -> int:
        return self.fresh + self.cache_read + self.cache_write

    def usage(self, output: int) -> dict[str, Any]:
        usage: dict[str, Any] = {
            "inputTokens": self.fresh,
            "outputTokens": output,
            "serverToolUsage": {},
            "totalTokens": self.total + output,
        }
        if self.cached:
            usage |= {
                "cacheReadInputTokens": self.cache_read,
                "cacheWriteInputTokens": self.cache_write,
            }
        if self.cache_write:
            usage["cacheDetails"] = [{"ttl": self.ttl, "inputTokens": self.cache_write}]
        return usage


class PromptCache:
    """Prefixes seen before, exactly, by model. They never expire, and may be of any length."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def count(self, model_id: str, request: Mapping[str, Any]) -> InputTokens:
        digest = sha256(model_id.encode())
        total = read = ended = 0
        ttl, cached = "5m", False
        for block in _blocks(request):
            if (point := block.get("cachePoint")) is not None:
                prefix = digest.hexdigest()
                read = total if prefix in self._seen else read
                self._seen.add(prefix)
                ended, ttl, cached = total, point.get("ttl", "5m"), True
                continue
            digest.update(json.dumps(block, sort_keys=True).encode())
            total += sum(map(count_tokens, texts_of(block)))
        return InputTokens(
            fresh=total - ended, cache_read=read, cache_write=ended - read, ttl=ttl, cached=cached
        )


def texts_of(value: Any) -> Iterator[str]:
    """Every string that stands in a block, its settings apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("citations", "format", "type", "cachePoint"):
                yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


def _blocks(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from request.get("toolConfig", {}).get("tools", [])
    yield from request.get("system", [])
    for message in request.get("messages", []):
        yield {"role": message["role"]}
        yield from message["content"]
