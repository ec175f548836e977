"""An endpoint of SageMaker: JSON in, JSON or a stream of bytes out."""

from collections.abc import Generator, Mapping
from contextlib import closing
from time import sleep
from typing import Any, Final

from pydantic_core import from_json, to_json

from rag.adapters.event_stream import events_of
from rag.adapters.model_client import model_client
from rag.adapters.retry import Pause, with_retries
from rag.adapters.sagemaker.errors import translated
from rag.errors import ContextTooLong, ModelResponseInvalid, SettingInvalid

# A container has 60 seconds to answer; the service's documentation asks clients to wait 70.
_READ_SECONDS: Final = 70
_LARGEST_BODY: Final = 6 * 1024 * 1024
_JSON: Final = "application/json"


class Endpoint:
    """`address` is the endpoint's name, or `<endpoint>/<inference component>`.

    Raises SettingInvalid, which names the `setting`, where it is neither.
    """

    def __init__(
        self, address: str, *, setting: str, client: Any | None = None, pause: Pause = sleep
    ) -> None:
        name, slash, component = address.partition("/")
        if not name or (slash and not component):
            raise SettingInvalid(f"{setting}: {address!r} is not <endpoint>[/<inference component>]")
        self.address: Final = address
        self._target = {"EndpointName": name} | ({"InferenceComponentName": component} if component else {})
        self._client = client or model_client("sagemaker-runtime", "SageMaker", read_seconds=_READ_SECONDS)
        self._pause = pause

    def invoke(self, request: Mapping[str, Any]) -> Any:
        """The parsed answer."""
        body = _body(request)
        answer = with_retries(lambda: self._answer(body), self._pause)
        try:
            return from_json(answer)
        except ValueError as error:
            raise ModelResponseInvalid(f"{self.address} gave something that is not JSON: {error}") from error

    def stream(self, request: Mapping[str, Any]) -> Generator[bytes, None, None]:
        """The answer's bytes as they come. Nothing is repeated once the first came."""
        body = _body(request)
        parts, first = with_retries(lambda: _begun(self._parts(body)), self._pause)
        with closing(parts):
            yield first
            yield from parts

    def close(self) -> None:
        self._client.close()

    def _answer(self, body: bytes) -> bytes:
        with translated():
            response = self._client.invoke_endpoint(
                **self._target, Body=body, ContentType=_JSON, Accept=_JSON
            )
            answer: bytes = response["Body"].read()
            return answer

    def _parts(self, body: bytes) -> Generator[bytes, None, None]:
        with translated():
            response = self._client.invoke_endpoint_with_response_stream(
                **self._target, Body=body, ContentType=_JSON
            )
            with closing(events_of(response["Body"])) as events:
                for event in events:
                    yield event["PayloadPart"]["Bytes"]


def _begun(parts: Generator[bytes, None, None]) -> tuple[Generator[bytes, None, None], bytes]:
    return parts, next(parts, b"")


def _body(request: Mapping[str, Any]) -> bytes:
    body = to_json(request)
    if len(body) > _LARGEST_BODY:
        raise ContextTooLong("The request is larger than the 6 MiB that a SageMaker endpoint takes.")
    return body
