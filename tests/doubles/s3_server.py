"""S3 on loopback, as far as a source of documents speaks to it; a request takes well under a millisecond."""

import html
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from boto3.session import Session
from botocore.config import Config

from tests.doubles import s3_listing, s3_post, s3_presigned
from tests.doubles.bucket import Bucket, Change, Version

BUCKET = "acervo-documents"
_META = "x-amz-meta-"
_OBJECT = re.compile(
    r"<Object>.*?<Key>(.*?)</Key>(?:.*?<VersionId>(.*?)</VersionId>)?.*?</Object>", re.DOTALL
)
_METHODS: Mapping[str, Mapping[str, str]] = {
    "object": {"GET": "_get", "HEAD": "_get", "PUT": "_put", "DELETE": "_delete"},
    "bucket": {"GET": "_list", "HEAD": "_exists", "POST": "_post"},
}


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """`faults` are answered, first come first served, in place of what is asked: (status, code).

    `hooks` are called with every request's method and path before it is looked at.
    `undeletable` are keys that DeleteObjects may not remove.
    """

    endpoint_url: str
    buckets: dict[str, Bucket]
    changes: list[Change]
    faults: deque[tuple[int, str]]
    hooks: list[Callable[[str, str], None]]
    undeletable: set[str]

    @property
    def bucket(self) -> Bucket:
        return self.buckets[BUCKET]

    def client(self, *, attempts: int = 1) -> Any:
        """A real boto3 client of this server."""
        return session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                max_pool_connections=64,
            ),
        )


@cache
def session() -> Session:
    """Shared: a session reads the description of a service once, in 0.3 s."""
    return Session("test", "test", region_name="us-east-1")


@contextmanager
def s3_server(*, versioned: bool = True, page_size: int = 1000) -> Iterator[S3Server]:
    """`changes` of the returned server has every change with the notification S3 would send."""
    state = _State(page_size=page_size)
    state.buckets[BUCKET] = Bucket(name=BUCKET, versioned=versioned, listener=state.changes.append)
    server = _Server(("127.0.0.1", 0), _handler(state))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield S3Server(
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            buckets=state.buckets,
            changes=state.changes,
            faults=state.faults,
            hooks=state.hooks,
            undeletable=state.undeletable,
        )
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


@dataclass(kw_only=True)
class _State:
    page_size: int
    buckets: dict[str, Bucket] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    faults: deque[tuple[int, str]] = field(default_factory=deque)
    hooks: list[Callable[[str, str], None]] = field(default_factory=list)
    undeletable: set[str] = field(default_factory=set)


class _Server(ThreadingHTTPServer):
    """Ends the connections that clients keep open, so that no thread waits for them."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # its thread closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)


def _handler(shared: _State) -> type[BaseHTTPRequestHandler]:
    class Handler(_S3Handler):
        state = shared

    return Handler


class _S3Handler(BaseHTTPRequestHandler):
    state: ClassVar[_State]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bucket: Bucket
    key: str
    query: dict[str, str]
    body: bytes

    def _handle(self) -> None:
        for hook in self.state.hooks:
            hook(self.command, self.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        self.query = dict(parse_qsl(address.query, keep_blank_values=True))
        name, _, key = address.path.removeprefix("/").partition("/")
        self.key = unquote(key)
        if self.state.faults:
            self._refuse(*self.state.faults.popleft())
        elif name not in self.state.buckets:
            self._refuse(404, "NoSuchBucket")
        else:
            self.bucket = self.state.buckets[name]
            self._dispatch()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the base class names them so

    def _dispatch(self) -> None:
        if s3_presigned.is_presigned(self.query):
            try:
                s3_presigned.check(
                    self.command, urlsplit(self.path).path, self.query, self.headers.get("Host", "")
                )
            except s3_post.Refused as refused:
                self._refuse(refused.status, refused.code)
                return
        method = _METHODS["object" if self.key else "bucket"].get(self.command)
        if method is None:
            self._refuse(405, "MethodNotAllowed")
        else:
            getattr(self, method)()

    def _get(self) -> None:
        version = self._wanted()
        if version is None or version.marker:
            marked = {"x-amz-delete-marker": "true"} if version else {}
            self._refuse(404, "NoSuchKey", marked)
            return
        headers = {f"{_META}{name}": value for name, value in version.metadata.items()}
        headers |= {**self._names(version), "Content-Type": version.content_type}
        if s3_presigned.is_presigned(self.query):
            headers |= s3_presigned.answered_headers(self.query)
        content_type = headers.pop("Content-Type")
        self._answer(200, version.body, headers, content_type)

    def _wanted(self) -> Version | None:
        if "versionId" not in self.query:
            return self.bucket.current(self.key)
        found = [each for each in self.bucket.versions(self.key) if each.id == self.query["versionId"]]
        return found[0] if found else None

    def _put(self) -> None:
        metadata = {
            name.lower().removeprefix(_META): value
            for name, value in self.headers.items()
            if name.lower().startswith(_META)
        }
        content_type = self.headers.get("Content-Type") or "binary/octet-stream"
        change = self.bucket.put(self.key, self.body, content_type=content_type, metadata=metadata)
        self._answer(200, b"", self._names(change.version) if change.version else {})

    def _delete(self) -> None:
        change = self.bucket.delete(self.key, self.query.get("versionId"))
        marker = change.version
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.id} if marker else {}
        self._answer(204, b"", headers)

    def _post(self) -> None:
        content_type = self.headers.get("Content-Type") or ""
        if content_type.startswith("multipart/form-data"):
            self._upload(s3_post.read_form(content_type, self.body))
        else:
            self._delete_many()

    def _upload(self, form: s3_post.Form) -> None:
        try:
            s3_post.check(form, self.bucket.name)
        except s3_post.Refused as refused:
            self._refuse(refused.status, refused.code)
            return
        content_type = form.fields.get("content-type", "binary/octet-stream")
        change = self.bucket.put(form.fields["key"], form.file, content_type=content_type)
        self._answer(204, b"", self._names(change.version) if change.version else {})

    def _delete_many(self) -> None:
        kept = []
        for name, version_id in _OBJECT.findall(self.body.decode()):
            key = html.unescape(name)
            if key in self.state.undeletable:
                kept.append(f"<Error><Key>{name}</Key><Code>AccessDenied</Code></Error>")
            else:
                self.bucket.delete(key, version_id or None)
        self._answer(200, s3_listing.document("DeleteResult", "".join(kept)))

    def _list(self) -> None:
        listing = s3_listing.versions if "versions" in self.query else s3_listing.objects
        self._answer(200, listing(self.bucket, self.query, self.state.page_size))

    def _exists(self) -> None:
        self._answer(200, b"")

    def _names(self, version: Version) -> dict[str, str]:
        names = {"ETag": f'"{version.etag}"', "Last-Modified": format_datetime(version.modified, usegmt=True)}
        return names | ({"x-amz-version-id": version.id} if self.bucket.versioned else {})

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._answer(status, s3_listing.error(code), headers or {})

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/xml",
    ) -> None:
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Length: {len(body)}",
            f"Content-Type: {content_type}",
            "x-amz-request-id: D82B88E5F771F645",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        # One write: a second one would wait for the client's acknowledgement of the first.
        self.wfile.write(head if self.command == "HEAD" or status == HTTPStatus.NO_CONTENT else head + body)

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it so
        pass
