"""Tokens: those of the issuer, for this service, now, by an algorithm that was named; no others."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from rag.adapters.jwks import DEADLINE, LIFETIME, MAX_BYTES, SHORTEST_PAUSE, THREAD, JsonWebKeys
from rag.adapters.jwt import JwtVerifier
from rag.backends.local import LocalBackend
from rag.domain.credentials import Principal, Scope
from rag.errors import IdentityProviderUnavailable, Unauthenticated
from tests.app.api.serving import problem_in
from tests.doubles.token_issuer import (
    ISSUER,
    Issuer,
    claims,
    public_key,
    public_pem,
    rsa_key,
    signed,
    signed_by_curve,
    token_issuer,
)
from tests.security.closed import Closed, belongings, closed_api

ACME = Principal(tenant="acme", scopes=frozenset({Scope.READ, Scope.WRITE}))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with token_issuer() as running:
        yield running


@pytest.fixture
def verifier(issuer: Issuer) -> JwtVerifier:
    return JwtVerifier.of(issuer.settings())


def encoded(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(algorithm: str, **changes: Any) -> str:
    return f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{encoded(claims(**changes))}."


def signed_with_public_key(algorithm: str = "HS256") -> str:
    """Key confusion: what everybody may read, taken for a shared secret."""
    said = f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{encoded(claims())}"
    return f"{said}.{encoded(hmac.digest(public_pem('first'), said.encode(), 'sha256'))}"


def with_key_in_header() -> str:
    """Signed by the forger, who sends the key along."""
    headers = {"kid": "first", "jwk": public_key("forger"), "jku": "http://127.0.0.1:1/", "x5u": "http://x/"}
    return jwt.encode(claims(), rsa_key("forger"), algorithm="RS256", headers=headers)


def altered() -> str:
    header, _, signature = signed().split(".")
    return f"{header}.{encoded(claims(tenant='victim'))}.{signature}"


FORGED: dict[str, Callable[[], str]] = {
    "expired": lambda: signed(exp=int(time.time()) - 31),
    "without an end": lambda: signed(exp=None),
    "not yet valid": lambda: signed(nbf=int(time.time()) + 60),
    "issued in the future": lambda: signed(iat=int(time.time()) + 60),
    "of another issuer": lambda: signed(iss="https://other.example"),
    "of no issuer": lambda: signed(iss=None),
    "of an issuer that begins so": lambda: signed(iss=ISSUER + ".evil.example"),
    "for another audience": lambda: signed(aud="other"),
    "for no audience": lambda: signed(aud=None),
    "signed by a forger": lambda: signed("forger", kid="first"),
    "with its key in its header": with_key_in_header,
    "altered": altered,
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg nOnE": lambda: unsigned("nOnE"),
    "without a signature": lambda: unsigned("RS256"),
    "key confusion": signed_with_public_key,
    "key confusion, said to be RS256": lambda: signed_with_public_key("RS256"),
    "an algorithm not named": lambda: signed(algorithm="RS512"),
    "another padding": lambda: signed(algorithm="PS256"),
    "an unknown key": lambda: signed("forger"),
    "no key": lambda: signed(kid=None),
    "no tenant": lambda: signed(tenant=None),
    "a tenant that is a path": lambda: signed(tenant="../acme"),
    "a tenant that is a list": lambda: signed(tenant=["acme"]),
    "an empty tenant": lambda: signed(tenant=""),
    "not a token": lambda: "a.b.c",
    "two dots": lambda: "..",
    "no JSON": lambda: f"{encoded(b'{')}.{encoded(b'{')}.{encoded(b'x')}",
    "a list for a header": lambda: f"{encoded([])}.{encoded({})}.{encoded(b'x')}",
    "a list for claims": lambda: f"{encoded({'alg': 'RS256', 'kid': 'first'})}.{encoded([])}.x",
}


@pytest.mark.parametrize("case", FORGED)
def test_refused(verifier: JwtVerifier, case: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(FORGED[case]())


def test_accepted(verifier: JwtVerifier) -> None:
    assert verifier.verify(signed()) == ACME
    assert verifier.verify(signed(aud=["other", "acervo"])) == ACME


def test_clocks_may_differ_a_little(verifier: JwtVerifier) -> None:
    now = int(time.time())
    assert verifier.verify(signed(exp=now - 10)) == ACME
    assert verifier.verify(signed(nbf=now + 10, iat=now + 10)) == ACME


def test_only_algorithms_that_were_named(issuer: Issuer) -> None:
    verifier = JwtVerifier.of(issuer.settings("ES256"))
    assert verifier.verify(signed_by_curve(issuer)) == ACME
    for token in (signed(), signed(algorithm="PS256")):
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


def test_a_key_serves_its_own_algorithm_alone(issuer: Issuer) -> None:
    issuer.publish("pinned", alg="RS256")
    verifier = JwtVerifier.of(issuer.settings("RS256", "PS256", "ES256"))
    assert verifier.verify(signed("pinned")) == ACME
    with pytest.raises(Unauthenticated):
        verifier.verify(signed("pinned", algorithm="PS256"))
    forged = jwt.encode(claims(), rsa_key("first"), algorithm="RS256", headers={"kid": "first"})
    said = encoded({"alg": "ES256", "kid": "first"})
    with pytest.raises(Unauthenticated):
        verifier.verify(f"{said}.{forged.partition('.')[2]}")


@pytest.mark.parametrize("extra", [{"kty": "oct", "k": "c2VjcmV0"}, {"use": "enc"}])
def test_keys_of_another_kind_check_nothing(issuer: Issuer, extra: dict[str, Any]) -> None:
    issuer.keys.clear()
    issuer.publish("first", **extra)
    with pytest.raises(Unauthenticated):
        JwtVerifier.of(issuer.settings()).verify(signed())


@pytest.mark.parametrize(
    ("changes", "prefix", "expected"),
    [
        ({"scope": "read"}, "", {"read"}),
        ({"scope": "acervo/read acervo/admin other/write"}, "acervo/", {"read", "admin"}),
        ({"scope": ["write", 7, {}]}, "", {"write"}),
        ({"scope": "everything"}, "", set()),
        ({"scope": None}, "", set()),
        ({"scope": {"read": True}}, "", set()),
    ],
)
def test_scopes(issuer: Issuer, changes: dict[str, Any], prefix: str, expected: set[str]) -> None:
    verifier = JwtVerifier.of(issuer.settings(jwt_scope_prefix=prefix))
    assert verifier.verify(signed(**changes)).scopes == expected


def test_access_tokens_of_cognito(issuer: Issuer) -> None:
    """They name the client in client_id and have no aud; the tenant is a claim of the pool's."""
    settings = issuer.settings(jwt_audience_claim="client_id", jwt_tenant_claim="custom:tenant")
    verifier = JwtVerifier.of(settings)
    theirs: dict[str, Any] = {"aud": None, "tenant": None, "custom:tenant": "acme"}
    assert verifier.verify(signed(**theirs, client_id="acervo")) == ACME
    for client in (None, "other", ["acervo"]):
        with pytest.raises(Unauthenticated):
            verifier.verify(signed(**theirs, client_id=client))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_unknown_keys_are_looked_for_once_a_minute(issuer: Issuer) -> None:
    clock = Clock()
    keys = JsonWebKeys(url=issuer.url, clock=clock)
    assert keys.find("first") is not None
    assert [keys.find(f"made-up-{number}") for number in range(50)] == [None] * 50
    assert issuer.asked == 1
    issuer.publish("second")
    assert keys.find("second") is None
    clock.now += SHORTEST_PAUSE
    assert keys.find("second") is not None
    assert keys.find("first") is not None
    assert issuer.asked == 2


def test_withdrawn_keys_are_forgotten(issuer: Issuer) -> None:
    clock = Clock()
    keys = JsonWebKeys(url=issuer.url, clock=clock)
    assert keys.find("first") is not None
    issuer.keys.clear()
    clock.now += LIFETIME + 1
    assert_soon(lambda: keys.find("first") is None)


def test_an_issuer_that_does_not_answer(issuer: Issuer) -> None:
    clock = Clock()
    keys = JsonWebKeys(url=issuer.url, clock=clock)
    issuer.down = True
    for _ in range(3):
        with pytest.raises(IdentityProviderUnavailable):
            keys.find("first")
    assert issuer.asked == 1
    issuer.down = False
    clock.now += SHORTEST_PAUSE
    assert keys.find("first") is not None
    issuer.down = True
    clock.now += LIFETIME + 1
    assert keys.find("first") is not None, "what was known goes on being believed"


def assert_soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("headers", [False, True])
def test_a_fetch_ends_however_slowly_its_bytes_come(issuer: Issuer, *, headers: bool) -> None:
    issuer.drips.set()
    issuer.drips_headers = headers
    keys = JsonWebKeys(url=issuer.url)
    begun = time.monotonic()
    with pytest.raises(IdentityProviderUnavailable) as raised:
        keys.find("first")
    assert time.monotonic() - begun < 4 * DEADLINE
    assert 0 < raised.value.retry_after_seconds <= SHORTEST_PAUSE
    assert_soon(lambda: not [each for each in threading.enumerate() if each.name == THREAD])


def test_a_key_set_beyond_all_measure_is_not_read(issuer: Issuer) -> None:
    issuer.padding = MAX_BYTES
    with pytest.raises(IdentityProviderUnavailable):
        JsonWebKeys(url=issuer.url).find("first")


def test_known_keys_never_wait_for_the_issuer(issuer: Issuer) -> None:
    clock = Clock()
    keys = JsonWebKeys(url=issuer.url, clock=clock)
    assert keys.find("first") is not None
    issuer.drips.set()
    clock.now += LIFETIME + 1
    begun = time.monotonic()
    with ThreadPoolExecutor(max_workers=50) as strangers:
        unknown = [strangers.submit(keys.find, f"made-up-{number}") for number in range(50)]
        assert all(keys.find("first") is not None for _ in range(100))
        assert time.monotonic() - begun < DEADLINE / 2
        refused = [each.exception() for each in unknown]
    assert all(isinstance(error, IdentityProviderUnavailable) for error in refused)
    assert issuer.asked == 2, "one fetch for all of them"


def test_nobody_waits_for_a_slow_issuer_but_those_who_name_unknown_keys(
    security_backend: LocalBackend, issuer: Issuer
) -> None:
    clock = Clock()
    verifier = JwtVerifier(issuer.settings(), JsonWebKeys(url=issuer.url, clock=clock))
    with (
        closed_api(security_backend, tokens=verifier) as api,
        ThreadPoolExecutor(max_workers=50) as strangers,
    ):
        secret, known = api.key("tokens-slow"), signed(tenant="tokens-slow")
        assert api.request("GET", "/v1/models", known).status_code == 200
        issuer.drips.set()
        clock.now += SHORTEST_PAUSE
        waiting = [
            strangers.submit(api.request, "GET", "/v1/models", signed("forger", kid=f"made-up-{number}"))
            for number in range(50)
        ]
        time.sleep(0.5)
        begun = time.monotonic()
        for credential in (secret, known) * 5:
            assert api.request("GET", "/v1/models", credential).status_code == 200
        assert time.monotonic() - begun < DEADLINE / 2
        for answer in waiting:
            problem_in(answer.result(), 503, "identity_provider_unavailable")
            assert int(answer.result().headers["retry-after"]) > 0


def test_keys_come_from_no_other_address(issuer: Issuer) -> None:
    keys = JsonWebKeys(url=issuer.redirecting_url)
    with pytest.raises(IdentityProviderUnavailable):
        keys.find("first")


def test_keys_without_a_network(issuer: Issuer) -> None:
    document = json.dumps({"keys": issuer.keys})
    verifier = JwtVerifier.of(issuer.settings(jwt_jwks_url="", jwt_jwks=document))
    assert verifier.verify(signed()) == ACME
    with pytest.raises(Unauthenticated):
        verifier.verify(signed("forger"))
    assert issuer.asked == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"jwt_audience": ""},
        {"jwt_algorithms": ("HS256",)},
        {"jwt_algorithms": ("none",)},
        {"jwt_algorithms": ()},
        {"jwt_jwks_url": ""},
        {"jwt_jwks_url": "http://issuer.example/jwks.json"},
        {"jwt_jwks_url": "file:///etc/passwd"},
        {"jwt_jwks": "{}"},
    ],
)
def test_settings_that_would_be_unsafe(issuer: Issuer, changes: dict[str, Any]) -> None:
    given = issuer.settings().model_dump() | changes
    with pytest.raises(ValueError, match=r"(?i)jwt"):
        type(issuer.settings())(**given)


@pytest.fixture
def api(issuer: Issuer, security_backend: LocalBackend) -> Iterator[Closed]:
    with closed_api(security_backend, tokens=JwtVerifier.of(issuer.settings())) as serving:
        yield serving


def test_the_tenant_is_the_tokens(api: Closed) -> None:
    own = belongings(api, signed(tenant="tokens-a"), collection="a")
    path = f"/v1/documents/{own.document}"
    assert api.request("GET", path, signed(tenant="tokens-a")).status_code == 200
    problem_in(api.request("GET", path, signed(tenant="tokens-b")), 404, "document_not_found")
    assert api.request("GET", path, api.key("tokens-a")).status_code == 200


def test_over_http(api: Closed, issuer: Issuer) -> None:
    expired = problem_in(
        api.request("GET", "/v1/models", signed(exp=int(time.time()) - 60)), 401, "unauthenticated"
    )
    assert expired["detail"] == "The token has expired. Get a new one."
    response = api.request("POST", "/v1/collections", signed(scope="read"), json={"name": "x"})
    problem_in(response, 403, "insufficient_scope")
    issuer.down = True
    assert api.request("GET", "/v1/models", signed()).status_code == 200


def test_the_issuer_is_away_from_the_beginning(api: Closed, issuer: Issuer) -> None:
    issuer.down = True
    response = api.request("GET", "/v1/models", signed())
    problem_in(response, 503, "identity_provider_unavailable")
    assert int(response.headers["retry-after"]) > 0
