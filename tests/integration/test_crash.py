"""Kill -9 in the middle of an ingest of 200 documents: all become ready, none twice, none lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.app.cli.commands import serving

DOCUMENTS = 200
KEYS = [f"note-{number:03}.md" for number in range(DOCUMENTS)]


def text_of(key: str) -> str:
    """Three headings, three chunks."""
    return "\n".join(
        f"# Part {part} of {key}\n\nThe word of this part is w{key[5:8]}p{part}.\n" for part in (1, 2, 3)
    )


def upload(url: str, keys: list[str], accepted: list[str]) -> None:
    """One after another, until the server is gone."""
    with httpx.Client(base_url=url) as http:
        for key in keys:
            try:
                response = http.post(
                    "/v1/collections/crash/documents", json={"key": key, "text": text_of(key)}
                )
            except httpx.TransportError:
                return
            assert response.status_code == 202
            accepted.append(key)


def listed(http: httpx.Client, path: str, **params: str) -> Iterator[dict[str, object]]:
    cursor: dict[str, str] = {}
    while True:
        page = http.get(path, params={"limit": "100", **params, **cursor}).raise_for_status().json()
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def wait_until_ready(http: httpx.Client, count: int) -> None:
    path = "/v1/collections/crash/documents"
    while len(list(listed(http, path, status="ready"))) < count:
        time.sleep(0.2)


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_is_twice(tmp_path: Path) -> None:
    accepted: list[str] = []
    with (
        serving(tmp_path / "data") as server,
        ThreadPoolExecutor(1) as pool,
        httpx.Client(base_url=server.url) as http,
    ):
        http.post("/v1/collections", json={"name": "crash"}).raise_for_status()
        uploading = pool.submit(upload, server.url, KEYS, accepted)
        wait_until_ready(http, 20)
        server.process.kill()
        server.process.wait()
        uploading.result()
    assert server.database_runs(), "the database outlives the server that was killed"
    assert 20 <= len(accepted) < DOCUMENTS, "the kill came too late to be in the middle"

    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url) as http:
        wait_until_ready(http, len(accepted))
        known = {document["key"] for document in listed(http, "/v1/collections/crash/documents")}
        assert set(accepted) <= known
        upload(server.url, KEYS[len(accepted) :], [])
        wait_until_ready(http, DOCUMENTS)
        check_each_is_there_once(http)
    assert not server.database_runs()


def check_each_is_there_once(http: httpx.Client) -> None:
    documents = list(listed(http, "/v1/collections/crash/documents"))
    assert sorted(str(document["key"]) for document in documents) == KEYS
    for document in documents:
        chunks = list(listed(http, f"/v1/documents/{document['id']}/chunks"))
        assert len(chunks) == len({chunk["ordinal"] for chunk in chunks}) == document["chunk_count"]
        whole = "\n".join(str(chunk["text"]) for chunk in chunks)
        for part in (1, 2, 3):
            assert whole.count(f"The word of this part is w{str(document['key'])[5:8]}p{part}.") == 1
        events = [entry["event"] for entry in listed(http, f"/v1/documents/{document['id']}/history")]
        assert events.count("ready") == 1
