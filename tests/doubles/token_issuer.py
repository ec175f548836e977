"""An OpenID provider on loopback, as far as a service that checks tokens speaks to it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from rag.settings import JwtAlgorithm, JwtSettings

ISSUER = "https://issuer.example"
AUDIENCE = "acervo"


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """Shared between tests: making one takes a tenth of a second."""
    del name
    return new_rsa_key(public_exponent=65537, key_size=2048)


@dataclass(kw_only=True)
class Issuer:
    """`keys` is what it publishes; `down` makes it answer 500; `asked` counts requests.

    While `drips` is set it sends a byte every now and then, and never as many as it announced.
    """

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    drips: threading.Event = field(default_factory=threading.Event)
    drips_headers: bool = False
    padding: int = 0
    asked: int = 0

    @property
    def redirecting_url(self) -> str:
        return self.url.replace("/jwks.json", "/moved.json")

    def publish(self, name: str, **extra: Any) -> None:
        self.keys.append(public_key(name) | extra)

    def settings(self, *algorithms: JwtAlgorithm, **changes: Any) -> JwtSettings:
        given: dict[str, Any] = {
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "jwt_jwks_url": self.url,
            "jwt_algorithms": algorithms or ("RS256",),
            "jwt_leeway_seconds": 30,
        }
        return JwtSettings(**(given | changes))


def public_key(name: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name, "use": "sig"}


def public_pem(name: str) -> bytes:
    return rsa_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changes: Any) -> dict[str, Any]:
    """Of a valid token; a change to None leaves the claim out."""
    now = int(time.time())
    valid = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "tenant": "acme",
        "scope": "read write",
        "iat": now,
        "exp": now + 300,
        "jti": uuid4().hex,
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def signed(name: str = "first", *, algorithm: str = "RS256", kid: str | None = "", **changes: Any) -> str:
    headers = {} if kid is None else {"kid": kid or name}
    return jwt.encode(claims(**changes), rsa_key(name), algorithm=algorithm, headers=headers)


def signed_by_curve(issuer: Issuer, **changes: Any) -> str:
    """By a new key on the curve P-256, which it publishes."""
    key = new_ec_key(SECP256R1())
    issuer.keys.append({**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "curve"})
    return jwt.encode(claims(**changes), key, algorithm="ES256", headers={"kid": "curve"})


@contextmanager
def token_issuer() -> Iterator[Issuer]:
    """Publishes the key `first`."""
    issuer = Issuer()
    issuer.publish("first")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    try:
        yield issuer
    finally:
        issuer.drips.clear()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", issuer.url)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if issuer.drips.is_set():
                self._drip()
                return
            body = json.dumps({"keys": issuer.keys}).encode() + b" " * issuer.padding
            self.send_response(500 if issuer.down else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            if issuer.drips_headers:
                self.flush_headers()
                self.wfile.write(b"X: ")
            else:
                self.end_headers()
            with suppress(OSError):
                while issuer.drips.is_set():
                    self.wfile.write(b" ")
                    time.sleep(0.05)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    return Handler
