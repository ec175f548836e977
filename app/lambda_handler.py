"""The API function's entry points: `handler` for API Gateway's events, `application` for a web server."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from mangum import Mangum
from mangum.types import LambdaContext

from app.api.gateway import Gateway
from app.api.main import create_app
from rag.backends.aws import AwsBackend
from rag.settings import FunctionSettings, IngestionSettings, ServerSettings
from rag.telemetry import bound, configure_structured_logging

# A REST API passes base64 on as it is, unless it was told that the type is binary.
_TEXT: Final = ["text/", "application/json", "application/problem+json"]


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers an event of a REST API (v1) or an HTTP API (v2), the response whole."""
    with bound(invocation_id=context.aws_request_id):
        response: dict[str, Any] = built()(dict(event), context)
    return response


@cache
def built() -> Mangum:
    """Built at the first event, not at import: an error then tells which setting is wrong."""
    return adapted(application())


def adapted(application: Gateway) -> Mangum:
    # With "auto" Mangum starts and stops the application at every event.
    return Mangum(application, lifespan="off", text_mime_types=_TEXT)


def application() -> Gateway:
    """For a web server behind Lambda Web Adapter, which can stream (infra/bundles/run.sh)."""
    function = FunctionSettings()
    configure_structured_logging(service=function.function_service, namespace=function.metrics_namespace)
    backend = AwsBackend()
    server, limit = ServerSettings(), IngestionSettings().max_document_bytes
    app = create_app(backend, server, max_document_bytes=limit, tokens=backend.tokens)
    return Gateway(app, server.base_path)
