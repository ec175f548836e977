"""The HTTP client: problems and outages become errors, safe calls are tried again."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from app.cli.exits import RequestFailed, ServerUnreachable
from app.cli.sse import Event, parse_events

ATTEMPTS = 5
# Seconds; a server that asks for more patience than the longest pause gets that.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# An answer of a language model takes a while; a stream sends a heartbeat every 15 s.
TIMEOUT = httpx.Timeout(30, read=180, connect=5)
_TRY_AGAIN = {429, 503}
_PAGE = 100


class Client(AbstractContextManager["Client"]):
    """`address` is what messages call the server."""

    def __init__(self, http: httpx.Client, *, address: str) -> None:
        self._http = http
        self.address = address

    @classmethod
    def over_tcp(cls, url: str, api_key: str | None = None) -> Self:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        return cls(httpx.Client(base_url=url, timeout=TIMEOUT, headers=headers), address=url)

    @classmethod
    def over_socket(cls, path: Path) -> Self:
        http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path)),
            base_url="http://localhost",
            timeout=TIMEOUT,
        )
        return cls(http, address="this process")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        return self._request("GET", path, params=_given(params))

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=_PAGE, cursor=cursor, **params)
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(self, path: str, body: dict[str, Any] | None = None, *, safe: bool = False) -> Any:
        """`safe`: doing it twice does no harm, so it is tried again."""
        return self._request("POST", path, attempts=ATTEMPTS if safe else 1, json=_given(body or {}))

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._request("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        self._request("DELETE", path)

    def upload(self, path: str, file: Path, fields: dict[str, str], *, media_type: str | None = None) -> Any:
        """The file is read anew for each attempt; the key makes repeating harmless.

        Without a media type the server finds it out: better than what the name says on this machine.
        """
        for attempt in range(1, ATTEMPTS + 1):
            with file.open("rb") as body:
                part = (file.name, body, media_type or "application/octet-stream")
                response = self._send("POST", path, data=fields, files={"file": part})
            if response.status_code not in _TRY_AGAIN or attempt == ATTEMPTS:
                break
            time.sleep(_pause(response, attempt))
        return _content(response)

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[Event]:
        with (
            self._translated_errors(),
            self._http.stream("POST", path, json={**_given(body), "stream": True}) as response,
        ):
            if response.is_error:
                response.read()
                raise _failure(response)
            yield from parse_events(response.iter_bytes())

    def _request(self, method: str, path: str, *, attempts: int = ATTEMPTS, **options: Any) -> Any:
        for attempt in range(1, attempts + 1):
            response = self._send(method, path, **options)
            if response.status_code not in _TRY_AGAIN or attempt == attempts:
                break
            time.sleep(_pause(response, attempt))
        return _content(response)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._translated_errors():
            return self._http.request(method, path, **options)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServerUnreachable(
                f"No answer from the server at {self.address} ({str(error) or type(error).__name__})."
                " Start one with `acervo serve`, or correct --server or ACERVO_SERVER."
            ) from error


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _pause(response: httpx.Response, attempt: int) -> float:
    asked = response.headers.get("Retry-After", "")
    backoff: float = FIRST_PAUSE * 2 ** (attempt - 1)
    return min(float(asked) if asked.isdecimal() else backoff, LONGEST_PAUSE)


def _content(response: httpx.Response) -> Any:
    if not response.is_success:
        raise _failure(response)
    if response.content and not _is_json(response):
        raise RequestFailed(
            f"{response.url} is not an Acervo server's answer. Correct --server or ACERVO_SERVER.",
            status=response.status_code,
            problem="not_acervo",
        )
    return response.json() if response.content else None


def _is_json(response: httpx.Response) -> bool:
    media_type: str = response.headers.get("Content-Type", "").split(";")[0]
    return media_type.endswith("json")


def _failure(response: httpx.Response) -> RequestFailed:
    body = response.json() if _is_json(response) else None
    return RequestFailed.of(response.status_code, body if isinstance(body, dict) else {})
