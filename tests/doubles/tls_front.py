"""PostgreSQL over TLS: takes SSLRequest as the server does, and passes the rest on to a Unix socket.

The embedded server is built without OpenSSL. https://www.postgresql.org/docs/18/protocol-flow.html
"""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SSL_REQUEST = struct.pack("!II", 8, 80877103)


class _Session(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        front: Any = self.server
        if self.request.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
            return
        self.request.sendall(b"S")
        with (
            suppress(ssl.SSLError, ConnectionError),
            front.context.wrap_socket(self.request, server_side=True) as outside,
            socket.socket(socket.AF_UNIX) as inside,
        ):
            inside.connect(front.path)
            answers = threading.Thread(target=_pass_on, args=(inside, outside))
            answers.start()
            _pass_on(outside, inside)
            answers.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    context: ssl.SSLContext
    path: str


@contextmanager
def tls_front(directory: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Port, and the authority that signed the certificate of `localhost`; `directory` holds the socket."""
    authority = folder / "authority.pem"
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(_certify("localhost", authority))
        server.path = f"{directory}/.s.PGSQL.5432"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], authority
        server.shutdown()
        thread.join()


def _certify(host: str, authority: Path) -> Path:
    """The file of a key and its certificate."""
    signing, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of a test")])
    own = _certificate(issuer, issuer, signing.public_key())
    root = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    authority.write_bytes(root.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    leaf = _certificate(subject, issuer, key.public_key()).add_extension(names, critical=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = authority.with_name("server.pem")
    certificate = leaf.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    chain.write_bytes(secret + certificate)
    return chain


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
