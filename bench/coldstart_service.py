"""What the API's function works with while its cold start is measured: a document, a key, fakes of AWS."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.local import TENANT, ingest_objects
from rag.adapters.folder import FolderSource
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.store import PostgresStore
from rag.domain.credentials import SECRET_PREFIX, NewApiKey, Scope, fingerprint
from rag.domain.documents import Attributes
from tests.doubles.bedrock_client import embedder_of, environment
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.write_backend import WriteBackend

TEXT: Final = "Refunds are paid within 30 days. The term begins with the return of the parcel."
QUESTION: Final = "Within how many days are refunds paid?"
_MODEL: Final = "amazon.titan-embed-text-v2:0"
_DIMENSIONS: Final = 256
# Of a database that goes with the benchmark.
_KEY: Final = f"{SECRET_PREFIX}of-the-cold-start-benchmark"
_EVENTS: Final = Path(__file__).parents[1] / "tests" / "events" / "apigateway"


@contextmanager
def service() -> Iterator[Mapping[str, str]]:
    """The function's environment variables."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="acervo-bench-")))
        conninfo = stack.enter_context(EmbeddedServer(folder / "data", sync=False)).start()
        bedrock = stack.enter_context(bedrock_server())
        embedder = stack.enter_context(embedder_of(bedrock, _MODEL, dimensions=_DIMENSIONS))
        store = PostgresStore(conninfo)
        stack.callback(store.close)
        backend = WriteBackend(store=store, source=FolderSource(folder / "documents"), embedder=embedder)
        ingest_objects(backend, "handbook", [("refunds.txt", TEXT.encode(), Attributes())])
        key = NewApiKey(tenant=TENANT, name="coldstart", scopes=(Scope.READ,))
        store.credentials.create(key, fingerprint(_KEY))
        yield {
            **environment(bedrock.url),
            "DATABASE_URL": conninfo,
            "ACERVO_BUCKET": "acervo-documents",
            "ACERVO_EMBEDDING": f"bedrock:{_MODEL}@{_DIMENSIONS}",
            "ACERVO_GENERATION": "bedrock:us.mock-grounded",
        }


def health_event() -> Mapping[str, Any]:
    return _recorded("http-health")


def question_event() -> Mapping[str, Any]:
    event = _recorded("http-answer")
    headers = {**event["headers"], "authorization": f"Bearer {_KEY}"}
    return {**event, "headers": headers, "body": json.dumps({"question": QUESTION})}


def answered(response: Mapping[str, Any]) -> bool:
    if response["statusCode"] != 200:
        return False
    answer = json.loads(response["body"])
    return bool(answer["status"] == "answered" and answer["citations"])


def _recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event
