"""How InvokeModel's requests reach the endpoint: over HTTP connections that are kept for the next.

botocore composes, signs and reads; only its way over urllib3 is left out. Beside 64 threads that share
one interpreter lock it costs a third of a call's processor time (`python -m bench.embedding`).
"""

import ssl
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from urllib3.util.wait import wait_for_read

_EVENT: Final = "before-send.bedrock-runtime.InvokeModel"


class Transport:
    """Takes part in botocore's event before-send: returns the answer, raises botocore's own errors."""

    def __init__(
        self, endpoint: str, ca_bundle: str | None, connect_seconds: float, read_seconds: float
    ) -> None:
        self._endpoint = endpoint
        self._split = urlsplit(endpoint)
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._tls = (
            ssl.create_default_context(cafile=ca_bundle or get_cert_path(verify=True))
            if self._split.scheme == "https"
            else None
        )
        self._idle: deque[HTTPConnection] = deque()

    def install(self, client: Any) -> None:
        """Not where a proxy is on the way: that is botocore's to do."""
        if not get_environ_proxies(self._endpoint):
            client.meta.events.register(_EVENT, self._send)

    def close(self) -> None:
        while (connection := self._kept()) is not None:
            connection.close()

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        connection = self._kept() or self._connected()
        try:
            return self._exchanged(connection, request)
        except TimeoutError as error:
            connection.close()
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except (OSError, HTTPException) as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error

    def _kept(self) -> HTTPConnection | None:
        """One that the server has not closed meanwhile."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()

    def _connected(self) -> HTTPConnection:
        connection = self._connection()
        try:
            connection.connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self._endpoint, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error
        connection.sock.settimeout(self._read_seconds)
        return connection

    def _connection(self) -> HTTPConnection:
        host, port = self._split.hostname or "", self._split.port
        if self._tls:
            return HTTPSConnection(host, port, timeout=self._connect_seconds, context=self._tls)
        return HTTPConnection(host, port, timeout=self._connect_seconds)

    def _exchanged(self, connection: HTTPConnection, request: AWSPreparedRequest) -> AWSResponse:
        url = urlsplit(request.url)
        connection.request(request.method, url.path, request.body, dict(request.headers.items()))
        response = connection.getresponse()
        body = _Body(response.read())
        if not response.will_close:
            self._idle.append(connection)
        return AWSResponse(request.url, response.status, dict(response.getheaders()), body)


class _Body(BytesIO):
    def stream(self) -> list[bytes]:
        return [self.getvalue()]
