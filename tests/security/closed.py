"""The API as it is deployed: no request without a credential; and what stands in one tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.api.main import create_app
from app.auth import Anonymous
from ingestion.pipeline import Pipeline
from ingestion.worker import work_once
from rag.domain.credentials import NewApiKey, Scope, fingerprint, new_secret
from rag.ports import Backend, TokenVerifier
from rag.settings import ServerSettings
from tests.app.api.serving import MAX_DOCUMENT_BYTES, serving

MARK = "xylophone"
TEXT = f"# Payroll\n\nThe {MARK} of the payroll is paid within thirty days.\n"


@dataclass(frozen=True, kw_only=True)
class Closed:
    client: httpx.Client
    backend: Backend

    def key(self, tenant: str, *scopes: Scope) -> str:
        """The secret of a new key."""
        secret = new_secret()
        new = NewApiKey(tenant=tenant, name="test", scopes=scopes or tuple(Scope))
        self.backend.store.credentials.create(new, fingerprint(secret))
        return secret

    def request(self, method: str, path: str, credential: str | None, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return self.client.request(method, path, headers=headers | options.pop("headers", {}), **options)


@contextmanager
def closed_api(
    backend: Backend,
    *,
    tokens: TokenVerifier | None = None,
    anonymous: Anonymous = Anonymous.REFUSED,
) -> Iterator[Closed]:
    app = create_app(
        backend,
        ServerSettings(),
        max_document_bytes=MAX_DOCUMENT_BYTES,
        tokens=tokens,
        anonymous=anonymous,
    )
    with serving(app) as client:
        yield Closed(client=client, backend=backend)


def work(backend: Backend) -> None:
    """Everything that waits is ingested."""
    pipeline = Pipeline(
        source=backend.source, embedder=backend.embedder, max_document_bytes=MAX_DOCUMENT_BYTES
    )
    while work_once(backend, pipeline):
        pass


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """One of everything that a tenant can have."""

    collection: str
    document: str
    answer: str
    conversation: str


def belongings(api: Closed, key: str, *, collection: str) -> Belongings:
    def post(path: str, **body: Any) -> dict[str, Any]:
        response = api.request("POST", path, key, json=body)
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found

    post("/v1/collections", name=collection)
    document = post(f"/v1/collections/{collection}/documents", key="payroll.md", text=TEXT)
    work(api.backend)
    answer = post("/v1/answers", question=f"When is the {MARK} paid?", conversation_id="new")
    assert answer["status"] == "answered"
    return Belongings(
        collection=collection,
        document=document["id"],
        answer=answer["id"],
        conversation=answer["conversation_id"],
    )
