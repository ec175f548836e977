"""Keys as an operator makes them, and what a server of this machine then asks for."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.app.cli.commands import acervo, serving


def until(condition: Callable[[], bool]) -> None:
    """The server looks for keys once a second."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_server_asks_for_keys_once_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "data") as served:
        data = ("--data-dir", served.data_dir)
        assert httpx.get(f"{served.url}/v1/collections").status_code == 200
        made = acervo(*data, "keys", "create", "site", "--scope", "read", "--json")
        assert made.code == 0
        assert (made.json["tenant"], made.json["scopes"]) == ("local", ["read"])
        until(lambda: httpx.get(f"{served.url}/v1/collections").status_code == 401)
        refused = acervo("--server", served.url, "collections")
        assert refused.code == 1
        assert "ACERVO_API_KEY" in refused.err
        monkeypatch.setenv("ACERVO_API_KEY", made.json["key"])
        assert acervo("--server", served.url, "collections").code == 0
        forbidden = acervo("--server", served.url, "collections", "create", "notes")
        assert forbidden.code == 1
        assert "scope write" in forbidden.err
        assert acervo(*data, "keys", "revoke", made.json["id"]).code == 0
        assert acervo("--server", served.url, "collections").code == 1
        monkeypatch.delenv("ACERVO_API_KEY")
        assert httpx.get(f"{served.url}/v1/collections").status_code == 401
    assert acervo(*data, "collections").code == 0, "a command's own server needs no key"


def test_keys_are_listed_without_their_secrets(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data")
    made = acervo(*data, "keys", "create", "site", "--tenant", "acme")
    secret = made.out.strip()
    assert secret.startswith("acervo_")
    assert "cannot be shown again" in made.err
    listed = acervo(*data, "keys", "list", "--json")
    assert [(key["tenant"], key["name"], key["scopes"]) for key in listed.json["data"]] == [
        ("acme", "site", ["read", "write"])
    ]
    assert secret not in listed.out
    assert acervo(*data, "keys", "list", "--tenant", "other", "--json").json == {"data": []}
    assert acervo(*data, "keys", "revoke", "key_none").code == 1
    assert acervo(*data, "keys", "create", "x", "--tenant", "../x").code == 2


def test_limits_are_set_one_by_one(tmp_path: Path) -> None:
    command = ("--data-dir", tmp_path / "data", "keys", "limit", "--json")
    unlimited = {"tenant": "local", "requests_per_minute": None, "tokens_per_month": None, "tokens_used": 0}
    assert acervo(*command).json == unlimited
    assert acervo(*command, "--requests-per-minute", "600").json["requests_per_minute"] == 600
    both = acervo(*command, "--tokens-per-month", "5000000").json
    assert (both["requests_per_minute"], both["tokens_per_month"]) == (600, 5_000_000)
    assert acervo(*command, "--requests-per-minute", "unlimited").json == both | {"requests_per_minute": None}
    assert acervo(*command, "--tenant", "acme").json == unlimited | {"tenant": "acme"}


@pytest.mark.parametrize("number", ["0", "-1", "many", "1e3", "99999999999"])
def test_rates_that_are_none(tmp_path: Path, number: str) -> None:
    ended = acervo("--data-dir", tmp_path / "data", "keys", "limit", "--requests-per-minute", number)
    assert ended.code == 2
