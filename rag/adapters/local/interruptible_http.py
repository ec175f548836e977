"""An HTTP client whose blocking reads end when their request is given up."""

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import httpcore
import httpx

from rag.interruption import interruptible

# httpx's own is 100 at once: fewer than a server streams.
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=32)


def interruptible_client(timeout: httpx.Timeout) -> httpx.Client:
    """Proxies and certificates come from the environment, as in every httpx client."""
    client = httpx.Client(timeout=timeout, limits=_LIMITS, follow_redirects=True)
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - see below
        if isinstance(transport, httpx.HTTPTransport):
            # httpx 0.28 has no parameter for the network backend of httpcore, which has one.
            transport._pool._network_backend = _Network()  # noqa: SLF001
    return client


class _Network(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with interruptible(self._shut_down):
            return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _shut_down(self) -> None:
        # Closing a socket does not wake the thread that reads it; and TLS's own shutdown would say
        # goodbye first, in the middle of that thread's work.
        with suppress(OSError):
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
