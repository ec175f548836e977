"""Keys, limits and budgets as a tenant meets them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest

from app.auth import LOOK_AGAIN, Anonymous, Gatekeeper
from rag.adapters.postgres.store import PostgresStore
from rag.backends.local import LocalBackend
from rag.domain.credentials import Limits, NewApiKey, Principal, Scope, fingerprint, new_secret
from rag.errors import RateLimited, TokenBudgetExhausted, Unauthenticated
from tests.app.api.serving import Overlaid, ScriptedGenerator, problem_in
from tests.security.closed import Closed, closed_api

MONTH = 31 * 24 * 3600
_numbers = count()


@pytest.fixture
def tenant() -> str:
    return f"tenant-{next(_numbers)}"


@pytest.fixture(scope="module")
def closed(api_backend: LocalBackend) -> Iterator[Closed]:
    """Every model call takes 5 tokens."""
    with closed_api(Overlaid(base=api_backend, generator=ScriptedGenerator())) as api:
        yield api


def limit(store: PostgresStore, tenant: str, **limits: int) -> None:
    store.credentials.set_limits(tenant, Limits(**limits))


def test_a_key_is_its_tenants(closed: Closed, tenant: str) -> None:
    secret = closed.key(tenant)
    closed.request("POST", "/v1/collections", secret, json={"name": "own"}).raise_for_status()
    assert closed.request("GET", "/v1/collections/own", secret).status_code == 200
    other = closed.key(f"{tenant}-other")
    problem_in(closed.request("GET", "/v1/collections/own", other), 404, "collection_not_found")


def test_only_the_hash_is_kept(store: PostgresStore) -> None:
    secret = new_secret()
    new = NewApiKey(tenant="acme", name="site", scopes=(Scope.READ,))
    created = store.credentials.create(new, fingerprint(secret))
    assert secret not in repr(created)
    assert store.credentials.list("acme") == (created,)
    found = store.credentials.admit_key(fingerprint(secret), spends_tokens=False)
    assert found == Principal(tenant="acme", scopes=frozenset({Scope.READ}))
    assert store.credentials.admit_key(secret, spends_tokens=False) is None
    (used,) = store.credentials.list("acme")
    assert used.last_used_at is not None


def test_idempotency_keys_and_documents_need_a_credential_before_they_are_read(closed: Closed) -> None:
    path = "/v1/collections/x/documents"
    large = b"a" * 2_000_000
    for headers in ({"Idempotency-Key": "k"}, {"Content-Type": "application/json"}):
        problem_in(closed.request("POST", path, None, content=large, headers=headers), 401, "unauthenticated")


def test_requests_beyond_the_rate_wait(closed: Closed, tenant: str) -> None:
    secret = closed.key(tenant)
    closed.backend.store.credentials.set_limits(tenant, Limits(requests_per_minute=3))
    for _ in range(3):
        assert closed.request("GET", "/v1/collections", secret).status_code == 200
    response = closed.request("GET", "/v1/collections", secret)
    problem_in(response, 429, "rate_limited")
    assert 1 <= int(response.headers["retry-after"]) <= 20
    assert closed.request("GET", "/v1/collections", closed.key(f"{tenant}-other")).status_code == 200


def test_the_rate_holds_over_servers_and_threads(store: PostgresStore, conninfo: str) -> None:
    other = PostgresStore(conninfo)
    limit(store, "acme", requests_per_minute=10)

    def admitted(number: int) -> bool:
        try:
            (store, other)[number % 2].credentials.admit("acme", spends_tokens=False)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(admitted, range(60))) == 10
    other.close()


def test_the_bucket_fills_again(store: PostgresStore, conninfo: str) -> None:
    limit(store, "acme", requests_per_minute=2)
    for _ in range(2):
        store.credentials.admit("acme", spends_tokens=False)
    with pytest.raises(RateLimited) as refused:
        store.credentials.admit("acme", spends_tokens=False)
    let_time_pass(conninfo, seconds=refused.value.retry_after_seconds)
    store.credentials.admit("acme", spends_tokens=False)
    with pytest.raises(RateLimited):
        store.credentials.admit("acme", spends_tokens=False)


def let_time_pass(conninfo: str, *, seconds: int) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "UPDATE acervo.tenant_limits SET next_request_at = next_request_at - make_interval(secs => %s)",
            (seconds,),
        )


def test_a_budget_ends_model_calls_and_nothing_else(closed: Closed, tenant: str) -> None:
    secret = closed.key(tenant)
    closed.backend.store.credentials.set_limits(tenant, Limits(tokens_per_month=6))
    for _ in range(2):  # 5 tokens leave one
        closed.request("POST", "/v1/generations", secret, json={"input": "Hi"}).raise_for_status()
    response = closed.request("POST", "/v1/generations", secret, json={"input": "Hi"})
    problem_in(response, 429, "token_budget_exhausted")
    assert 1 <= int(response.headers["retry-after"]) <= MONTH
    problem_in(
        closed.request("POST", "/v1/answers", secret, json={"question": "?"}), 429, "token_budget_exhausted"
    )
    assert closed.request("POST", "/v1/search", secret, json={"query": "x"}).status_code == 200
    assert closed.backend.store.credentials.tokens_used(tenant) == 10
    closed.backend.store.credentials.set_limits(tenant, Limits())
    assert closed.request("POST", "/v1/generations", secret, json={"input": "Hi"}).status_code == 200


def test_tokens_of_streams_are_counted(closed: Closed, tenant: str) -> None:
    body = {"input": "Hi", "stream": True}
    streamed = closed.request("POST", "/v1/generations", closed.key(tenant), json=body)
    assert "generation.completed" in streamed.text
    assert closed.backend.store.credentials.tokens_used(tenant) == 5


def test_a_budget_of_nothing(store: PostgresStore) -> None:
    limit(store, "acme", tokens_per_month=0)
    store.credentials.admit("acme", spends_tokens=False)
    with pytest.raises(TokenBudgetExhausted):
        store.credentials.admit("acme", spends_tokens=True)


def gatekeeper(store: PostgresStore, anonymous: Anonymous, now: list[float]) -> Gatekeeper:
    return Gatekeeper(lambda: store.credentials, tokens=None, anonymous=anonymous, clock=lambda: now[0])


def admit(gate: Gatekeeper, authorization: str | None = None) -> Principal:
    at_once = gate.admitted_at_once(authorization, spends_tokens=False)
    return at_once or gate.admit(authorization, scope=Scope.ADMIN, spends_tokens=False)


def test_local_mode_is_open_until_a_key_exists(store: PostgresStore) -> None:
    now = [100.0]
    gate = gatekeeper(store, Anonymous.LOCAL_UNTIL_CREDENTIALS_EXIST, now)
    assert admit(gate) == Principal(tenant="local", scopes=frozenset(Scope))
    secret = new_secret()
    new = NewApiKey(tenant="acme", name="first", scopes=(Scope.ADMIN,))
    key = store.credentials.create(new, fingerprint(secret))
    now[0] += LOOK_AGAIN
    with pytest.raises(Unauthenticated):
        admit(gate)
    assert admit(gate, f"Bearer {secret}").tenant == "acme"
    store.credentials.revoke("acme", key.id)
    for authorization in (None, f"Bearer {secret}"):
        with pytest.raises(Unauthenticated):
            admit(gate, authorization)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "acervo_x", "Bearer acervo_x"]
)
def test_a_wrong_credential_is_refused_even_where_none_is_needed(
    store: PostgresStore, authorization: str
) -> None:
    for anonymous in Anonymous:
        gate = gatekeeper(store, anonymous, [0.0])
        with pytest.raises(Unauthenticated):
            admit(gate, authorization)


def test_the_private_server_stays_open(store: PostgresStore) -> None:
    new = NewApiKey(tenant="local", name="first", scopes=(Scope.READ,))
    store.credentials.create(new, fingerprint(new_secret()))
    assert admit(gatekeeper(store, Anonymous.LOCAL, [0.0])).tenant == "local"
