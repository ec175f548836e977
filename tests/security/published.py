"""The operations of the OpenAPI document, and a request for each: a new route is tested unasked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.security.closed import Closed


@dataclass(frozen=True, kw_only=True)
class Published:
    """One operation. `fields` are those of its JSON body, `example` is one such body."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    statuses: frozenset[str]
    fields: frozenset[str]
    required: frozenset[str]
    example: Mapping[str, Any] | None

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def public(self) -> bool:
        return not self.scopes

    def ask(
        self,
        api: Closed,
        credential: str | None,
        values: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """With those values in the path, and that body instead of the example."""
        content = self.example if body is None else body
        options = {} if content is None else {"json": content}
        return api.request(self.method, self.path.format(**values), credential, **options)


def published(api: Closed) -> Iterator[Published]:
    document = api.client.get("/openapi.json").raise_for_status().json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            schema = _body_schema(document, operation)
            yield Published(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                scopes=tuple(scope for each in operation["security"] for scope in each["bearer"]),
                statuses=frozenset(operation["responses"]),
                fields=frozenset(schema["properties"]) if schema else frozenset(),
                required=frozenset(schema.get("required", ())) if schema else frozenset(),
                example=schema["examples"][0] if schema else None,
            )


def _body_schema(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"]["$ref"].rpartition("/")[2]
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return schema
