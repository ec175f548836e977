"""The way to Bedrock: connections are kept, certificates are checked, a proxy is respected."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.bedrock.limiter import Limiter
from rag.errors import ModelUnavailable
from tests.doubles.bedrock_client import embedder_of, environment
from tests.doubles.bedrock_server import BedrockServer, Reply, bedrock_server

HANG_UP = Reply(hang_up=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake Bedrock")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def over_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def impatient() -> Limiter:
    return Limiter(sleep=lambda _: None)


def ports(server: BedrockServer) -> set[int]:
    return {request.port for request in server.requests}


def test_a_connection_serves_one_call_after_the_other() -> None:
    with bedrock_server() as server, embedder_of(server) as embedder:
        for number in range(5):
            embedder.embed_query(f"query {number}")
        assert len(ports(server)) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    with bedrock_server() as server, embedder_of(server) as embedder:
        embedder.embed_query("before")
        server.close_connections()
        embedder.embed_query("after")
        assert server.statistics.requests == len(ports(server)) == 2


def test_a_connection_that_breaks_is_not_used_again() -> None:
    with bedrock_server() as server, embedder_of(server, limiter=impatient()) as embedder:
        embedder.embed_query("before")
        server.planned.append(HANG_UP)
        embedder.embed_query("after")
        assert server.statistics.requests == 3
        assert len(ports(server)) == 2


def test_a_certificate_that_nobody_trusts_is_refused(certificate: Path) -> None:
    with (
        bedrock_server(tls=over_tls(certificate)) as server,
        embedder_of(server, limiter=impatient()) as embedder,
    ):
        with pytest.raises(ModelUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            embedder.embed_query("query")
        assert not server.statistics.requests


def test_a_bundle_of_certificates_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    with (
        bedrock_server(tls=over_tls(certificate)) as server,
        embedder_of(server, limiter=impatient()) as embedder,
    ):
        assert embedder.embed_query("query") == embedder.embed_documents(["query"])[0]
        assert len(ports(server)) == 1


def test_a_proxy_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    with bedrock_server() as proxy:
        for name, value in environment("http://bedrock.test").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        embedder = BedrockEmbedder("amazon.titan-embed-text-v2:0", limiter=impatient())
        assert embedder.embed_query("query")
        embedder.close()
        assert proxy.requests[0].path.startswith("http://bedrock.test/model/")
