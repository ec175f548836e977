"""Logins by token, over TLS, and connections that died or fell silent."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from infra.bundles.functions import FILES
from rag.adapters.postgres.connection import PoolSettings, open_pool
from rag.adapters.postgres.login import first_accepted, with_tokens
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.roles import grant_logins
from rag.adapters.postgres.store import PostgresStore
from rag.backends.aws import AwsBackend
from rag.errors import DatabaseUnavailable, SettingInvalid, SetupError
from rag.settings import DatabaseSettings
from tests.doubles.rds import FIRST_PASSWORD, OWNER, SERVICE, Rds, rds_instance, rds_server
from tests.doubles.tls_front import tls_front


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rds_server(tmp_path_factory.mktemp("rds")) as conninfo:
        yield conninfo


@pytest.fixture(scope="module")
def rds(superuser: str) -> Iterator[Rds]:
    """Deployed: migrated, and both roles log in by token."""
    with rds_instance(superuser) as instance:
        owner = make_conninfo(instance.url(OWNER), password=FIRST_PASSWORD)
        migrate(owner)
        grant_logins(owner, SERVICE)
        yield instance


def test_every_connection_of_the_functions_has_a_token_of_its_own(rds: Rds) -> None:
    settings = DatabaseSettings(url=SecretStr(rds.url(SERVICE)), login="iam", connections=1)
    minted = len(rds.minted)
    with closing(AwsBackend(database=settings, signer=lambda: rds)) as backend:
        backend.store.check()
        assert not backend.store.credentials.any_keys()
        assert len(rds.minted) == minted + 1
        rds.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'acervo_service'")
        assert not backend.store.credentials.any_keys()  # checked, and replaced
        assert len(rds.minted) == minted + 2
    assert len(set(rds.minted)) == len(rds.minted)


def test_the_functions_work_as_the_application_only(rds: Rds) -> None:
    with (
        closing(open_pool(with_tokens(rds.url(SERVICE), rds), PoolSettings(max_size=2))) as pool,
        pool.connection() as connection,
    ):
        found = connection.execute(
            "SELECT session_user AS login, current_user AS role,"
            " current_setting('idle_session_timeout') AS idle"
        ).fetchone()
    assert found == {"login": SERVICE, "role": "acervo_app", "idle": "5min"}


def test_an_old_token_and_no_password_are_refused(rds: Rds) -> None:
    by_token = with_tokens(rds.url(OWNER), rds)
    old, new = by_token(), by_token()
    first = make_conninfo(rds.url(OWNER), password=FIRST_PASSWORD)
    assert first_accepted([first, old, new]) == new
    with pytest.raises(DatabaseUnavailable):
        first_accepted([first, old])


def test_a_url_without_a_host_cannot_be_signed_for(rds: Rds) -> None:
    with pytest.raises(SettingInvalid, match="no host or no user"):
        with_tokens("dbname=acervo", rds)


def test_a_newer_schema_is_good_and_an_older_one_is_not(rds: Rds) -> None:
    with closing(PostgresStore(with_tokens(rds.url(OWNER), rds), migrates=False)) as store:
        rds.execute("INSERT INTO acervo_migrations.applied (number) VALUES (9999)")
        store.check()
        rds.execute("DELETE FROM acervo_migrations.applied WHERE number > 1")
        with pytest.raises(SetupError, match="at migration 1;"):
            store.check()
        rds.execute("DELETE FROM acervo_migrations.applied")
        with pytest.raises(SetupError, match="at migration 0;"):
            store.check()


def soon(used: Callable[[], object]) -> None:
    """The pool drops one dead connection a request, and has half a second for a new one."""
    for _ in range(20):
        with suppress(DatabaseUnavailable):
            used()
            return
    used()


def test_a_server_that_hangs_is_given_up(rds: Rds) -> None:
    bounded = PoolSettings(max_size=2, checked=True, answer_seconds=0.5)
    with closing(PostgresStore(with_tokens(rds.url(SERVICE), rds), migrates=False, pool=bounded)) as store:
        store.tenants()
        # A slow machine may have made a second one by now.
        found = rds.query("SELECT pid FROM pg_stat_activity WHERE usename = 'acervo_service'")
        processes = [process for (process,) in found if isinstance(process, int)]
        assert processes
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                store.tenants()
            assert time.monotonic() - started < 5
            soon(store.tenants)  # on another connection
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)


def test_a_statement_that_takes_too_long_ends_with_its_connection(rds: Rds) -> None:
    bounded = PoolSettings(max_size=1, answer_seconds=0.5)
    with closing(open_pool(with_tokens(rds.url(SERVICE), rds), bounded)) as pool:
        with pytest.raises(psycopg.OperationalError), pool.connection() as connection:
            connection.execute("SELECT pg_sleep(60)")
        assert connection.closed
        with pool.connection() as another:
            assert another.execute("SELECT 1 AS one").fetchone() == {"one": 1}
            with pytest.raises(psycopg.errors.DivisionByZero):
                another.execute("SELECT 1 / 0")
            assert not another.closed


@pytest.fixture
def over_tls(rds: Rds, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The functions' conninfo but for the authority that they trust, and the right one."""
    directory = str(conninfo_to_dict(rds.superuser)["host"])
    with tls_front(directory, tmp_path) as (port, authority):
        yield make_conninfo(rds.url(SERVICE), host="localhost", port=port, sslmode="verify-full"), authority


def test_tokens_go_over_tls_to_whom_the_authority_vouches_for(rds: Rds, over_tls: tuple[str, Path]) -> None:
    conninfo, authority = over_tls
    trusting = make_conninfo(conninfo, sslrootcert=str(authority))
    with (
        closing(open_pool(with_tokens(trusting, rds), PoolSettings(max_size=1))) as pool,
        pool.connection() as connection,
    ):
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
    assert f"DBUser={SERVICE}" in rds.minted[-1]


def test_another_name_or_authority_is_refused(rds: Rds, over_tls: tuple[str, Path]) -> None:
    conninfo, authority = over_tls
    amazons = make_conninfo(conninfo, sslrootcert=str(FILES / "certificates/rds.pem"))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(with_tokens(amazons, rds)())
    elsewhere = make_conninfo(conninfo, host="127.0.0.1", sslrootcert=str(authority))
    with pytest.raises(psycopg.OperationalError, match=r"127\.0\.0\.1"):
        psycopg.connect(with_tokens(elsewhere, rds)())
