"""The migration function on what RDS makes of roles and passwords; its bundle runs in tests/integration."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from rag.adapters.postgres.login import first_accepted, with_tokens
from rag.adapters.postgres.migrate import migrations
from rag.adapters.postgres.store import PostgresStore
from rag.domain.credentials import Limits, Principal, Scope, fingerprint
from rag.errors import ApiKeyNotFound, DatabaseUnavailable, InvalidRequest, SettingInvalid
from rag.migration_handler import handler
from tests.doubles.logging_state import logging_as_before
from tests.doubles.rds import FIRST_PASSWORD, OWNER, SERVICE, Rds, rds_instance, rds_server

CREATE = {"RequestType": "Create"}
UPDATE = {"RequestType": "Update", "PhysicalResourceId": "acervo-schema"}


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


class Context:
    """Time passes as the handler asks for it; without any it never ends."""

    def __init__(self, *remaining_seconds: int) -> None:
        self._remaining = list(remaining_seconds)

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining.pop(0) * 1000


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rds_server(tmp_path_factory.mktemp("rds")) as conninfo:
        yield conninfo


@pytest.fixture
def rds(superuser: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rds]:
    """Just made by CloudFormation, and the function's variables as infra/migration.py sets them."""
    with rds_instance(superuser) as instance:
        monkeypatch.setenv("DATABASE_URL", instance.url(OWNER))
        monkeypatch.setenv("ACERVO_DATABASE_LOGIN", "iam")
        monkeypatch.setenv("ACERVO_DATABASE_SERVICE_USER", SERVICE)
        monkeypatch.setenv("ACERVO_DATABASE_FIRST_PASSWORD", FIRST_PASSWORD)
        yield instance


def invoke(rds: Rds, event: dict[str, Any], *remaining_seconds: int) -> dict[str, Any]:
    return handler(event, Context(*remaining_seconds), signer=lambda: rds)


def test_the_first_run_migrates_by_password_and_the_second_logs_in_by_token(
    rds: Rds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(rds, CREATE)["Data"] == {"Applied": len(migrations())}
    log = capsys.readouterr().err
    assert log.count("Login 1 of 2 failed") == 1
    assert FIRST_PASSWORD not in log
    assert all(token not in log for token in rds.minted)
    assert invoke(rds, UPDATE)["Data"] == {"Applied": 0}
    assert "failed" not in capsys.readouterr().err
    with pytest.raises(DatabaseUnavailable):
        first_accepted([make_conninfo(rds.url(OWNER), password=FIRST_PASSWORD)])


def test_the_functions_can_then_log_in(rds: Rds) -> None:
    invoke(rds, CREATE)
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False)) as store:
        store.check()
        assert store.tenants() == ()
    assert rds.query("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'acervo_service'") == [
        (False, False)
    ]


def test_runs_at_once_migrate_once(rds: Rds) -> None:
    done: list[int] = []
    threads = [threading.Thread(target=_run, args=(rds, done)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 0, len(migrations())]


def _run(rds: Rds, done: list[int]) -> None:
    done.append(invoke(rds, CREATE, *[300] * 9)["Data"]["Applied"])


def test_a_roll_back_meets_a_newer_database(rds: Rds) -> None:
    invoke(rds, CREATE)
    rds.execute("INSERT INTO acervo_migrations.applied (number) VALUES (9999)")
    assert invoke(rds, UPDATE) == {"PhysicalResourceId": "acervo-schema", "Data": {"Applied": 0}}
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False)) as store:
        store.check()


def test_the_first_key_is_made_from_inside(rds: Rds, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(rds, CREATE)
    made = invoke(rds, {"create_key": {"tenant": "acme", "name": "website", "scopes": ["read"]}})
    assert (made["tenant"], made["name"], made["scopes"]) == ("acme", "website", ["read"])
    assert made["key"] not in capsys.readouterr().err
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False)) as store:
        admitted = store.credentials.admit_key(fingerprint(made["key"]), spends_tokens=False)
        assert admitted == Principal(tenant="acme", scopes=frozenset({Scope.READ}))
        assert [key.id for key in store.credentials.list("acme")] == [made["id"]]


def test_keys_are_listed_and_revoked_from_inside(rds: Rds) -> None:
    invoke(rds, CREATE)
    made = invoke(rds, {"create_key": {"tenant": "acme", "name": "website"}})
    (listed,) = invoke(rds, {"list_keys": {"tenant": "acme"}})["keys"]
    assert (listed["id"], listed["revoked_at"]) == (made["id"], None)
    assert "key" not in listed
    assert invoke(rds, {"list_keys": {"tenant": "globex"}}) == {"keys": []}
    with pytest.raises(ApiKeyNotFound):
        invoke(rds, {"revoke_key": {"tenant": "globex", "id": made["id"]}})
    revoked = json.loads(json.dumps(invoke(rds, {"revoke_key": {"tenant": "acme", "id": made["id"]}})))
    assert datetime.fromisoformat(revoked["revoked_at"]) >= datetime.fromisoformat(revoked["created_at"])
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False)) as store:
        assert store.credentials.admit_key(fingerprint(made["key"]), spends_tokens=False) is None


def test_limits_are_set_from_inside(rds: Rds) -> None:
    invoke(rds, CREATE)
    limits = {"tenant": "acme", "requests_per_minute": 600, "tokens_per_month": None}
    assert invoke(rds, {"set_limits": limits}) == {**limits, "tokens_used": 0}
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False)) as store:
        assert store.credentials.limits("acme") == Limits(requests_per_minute=600)


@pytest.mark.parametrize(
    "event",
    [
        {"list_keys": {}},
        {"revoke_key": {"tenant": "acme"}},
        {"set_limits": {"tenant": "acme", "requests_per_minute": 0}},
        {"set_limits": {"tenant": "not/a/tenant"}},
        {"create_key": {"name": "website"}},
        {"create_key": {"tenant": "acme", "name": ""}},
        {"create_key": {"tenant": "acme", "name": "a", "scopes": []}},
        {"create_key": {"tenant": "acme", "name": "a", "scopes": ["root"]}},
        {"create_key": {"tenant": "acme", "name": "a", "days": 3}},
        {"Records": []},
        {},
    ],
)
def test_what_is_no_order_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        handler(event, Context())


def test_a_database_that_does_not_answer_fails_the_deployment_in_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/acervo")
    with pytest.raises(DatabaseUnavailable):
        handler(CREATE, Context(31, 29))
    log = capsys.readouterr().err
    assert log.count("does not answer") == 1
    assert "secret" not in log


def test_deletion_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/acervo")
    event = {"RequestType": "Delete", "PhysicalResourceId": "acervo-schema"}
    assert handler(event, Context())["PhysicalResourceId"] == "acervo-schema"


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingInvalid, match="DATABASE_URL"):
        handler(CREATE, Context())
