"""Calls a function on Lambda and waits for its answer."""

import json
from collections.abc import Mapping
from typing import Any

from rag.adapters import aws
from rag.errors import SourceUnavailable

# The longest that a function of the stack may run, and a little.
_READ_SECONDS = 905


def invoke(name: str, event: Mapping[str, Any], *, client: Any = None) -> dict[str, Any]:
    """Raises SourceUnavailable where the function itself failed."""
    with aws.translated_errors(f"The function {name}"):
        functions = client or aws.client("lambda", read_timeout=_READ_SECONDS)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        said = payload.get("errorType") if isinstance(payload, dict) else None
        raise SourceUnavailable(f"The function {name} failed ({said}); its log says why.")
    return dict(payload)
