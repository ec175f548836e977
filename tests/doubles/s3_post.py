"""S3's side of a POST upload: the signature, then every condition of the policy, then nothing unsaid."""

import base64
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

SECRET = "test"  # noqa: S105 - of the double's own account
_UNSAID = frozenset({"x-amz-signature", "policy", "file"})
_NAME = re.compile(rb'name="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    status: int
    code: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """Names are lower-case, as S3 compares them."""

    fields: Mapping[str, str]
    file: bytes


def read_form(content_type: str, body: bytes) -> Form:
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    file = b""
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        found = _NAME.search(head)
        name = found[1].decode().lower() if found else ""
        if name == "file":
            file = content
        else:
            fields[name] = content.decode()
    return Form(fields=fields, file=file)


def check(form: Form, bucket: str) -> None:
    """Raises Refused."""
    encoded = form.fields.get("policy", "")
    if not hmac.compare_digest(_signature(form.fields, encoded), form.fields.get("x-amz-signature", "")):
        raise Refused(status=403, code="SignatureDoesNotMatch")
    policy = json.loads(base64.b64decode(encoded))
    if datetime.now(UTC) > datetime.fromisoformat(policy["expiration"]):
        raise Refused(status=403, code="AccessDenied")
    values = {**form.fields, "bucket": bucket}
    said = {"bucket", *_UNSAID}
    for kind, name, value in _conditions(policy):
        if kind == "content-length-range":
            _check_size(len(form.file), int(name), int(value))
        elif _holds(kind, values.get(name), value):
            said.add(name)
        else:
            raise Refused(status=403, code="AccessDenied")
    if values.keys() - said:
        raise Refused(status=403, code="AccessDenied")


def _conditions(policy: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            yield from (("eq", name.lower(), value) for name, value in condition.items())
        else:
            kind, name, value = map(str, condition)
            yield kind, name.removeprefix("$").lower(), value


def _holds(kind: str, given: str | None, value: str) -> bool:
    return given is not None and (given.startswith(value) if kind == "starts-with" else given == value)


def _check_size(size: int, smallest: int, largest: int) -> None:
    if size > largest:
        raise Refused(status=400, code="EntityTooLarge")
    if size < smallest:
        raise Refused(status=400, code="EntityTooSmall")


def _signature(fields: Mapping[str, str], policy: str) -> str:
    """Signature version 4; of an older one S3 in newer regions knows nothing."""
    scope = fields.get("x-amz-credential", "").split("/")[1:]
    key = reduce(_digest, scope, f"AWS4{SECRET}".encode())
    return _digest(key, policy).hex()


def _digest(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
