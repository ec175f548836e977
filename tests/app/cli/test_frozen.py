"""While one text takes for ever to be cut the server answers, and the document fails alone."""

import time
from pathlib import Path

import httpx
import pytest

from tests.app.cli.commands import serving

HOSTILE = Path(__file__).parents[2] / "doubles" / "hostile_reader"
# Tells a frozen server from a slow one.
LONGEST_ANSWER = 5.0


@pytest.mark.timeout(120)
def test_a_text_that_freezes_what_cuts_it_does_not_freeze_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HOSTILE))
    monkeypatch.setenv("ACERVO_PARSER_SECONDS", "3")
    with (
        serving(tmp_path / "data") as server,
        httpx.Client(base_url=server.url, timeout=LONGEST_ANSWER) as http,
    ):
        http.post("/v1/collections", json={"name": "notes"}).raise_for_status()
        frozen = post(http, "frozen.txt", "Hello. Here it would FREEZE.")
        good = post(http, "good.txt", "Another document.")
        while (document := http.get(f"/v1/documents/{frozen}").json())["status"] in {"pending", "processing"}:
            http.get("/healthz").raise_for_status()
            time.sleep(0.1)
        assert document["failure"]["code"] == "parser_timeout"
        assert "takes longer than 3 s (ACERVO_PARSER_SECONDS)" in document["failure"]["detail"]
        assert document["failure"]["retryable"]
        while http.get(f"/v1/documents/{good}").json()["status"] != "ready":
            time.sleep(0.1)


def post(http: httpx.Client, key: str, text: str) -> str:
    answer = http.post("/v1/collections/notes/documents", json={"key": key, "text": text})
    return str(answer.raise_for_status().json()["id"])
