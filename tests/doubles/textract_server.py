"""A server on loopback that keeps Amazon Textract's contract for DetectDocumentText, and reads `scans`.

Requests and answers are those of
https://docs.aws.amazon.com/textract/latest/APIReference/API_DetectDocumentText.html.
"""

import base64
import json
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from tests.doubles.aws_http import Reply, Request, listening
from tests.doubles.aws_service import AwsService, Behaviour, Statistics
from tests.doubles.scans import Strip, strips

__all__ = ["Behaviour", "Reply", "TextractServer", "textract_failure", "textract_server"]

_MOST_BYTES: Final = 10_485_760
_UNREADABLE: Final = "Request has unsupported document format"


@dataclass(frozen=True, kw_only=True)
class TextractServer:
    """`planned` replies are used up, one a request, before requests are answered truly; None is the truth."""

    url: str
    planned: deque[Reply | None]
    requests: deque[Request]
    statistics: Statistics


def textract_failure(status: int, code: str, message: str) -> Reply:
    return Reply(status=status, body=json.dumps({"__type": code, "Message": message}).encode())


class _Textract(AwsService):
    def truth(self, request: Request) -> Reply:
        if request.headers.get("x-amz-target") != "Textract.DetectDocumentText":
            return textract_failure(400, "UnknownOperationException", "")
        if "/textract/aws4_request" not in request.headers.get("authorization", ""):
            return textract_failure(400, "InvalidSignatureException", "Wrong scope of the credential")
        answer = _answer(base64.b64decode(request.json["Document"]["Bytes"], validate=True))
        return answer if isinstance(answer, Reply) else Reply(body=json.dumps(answer).encode())


def _answer(image: bytes) -> Reply | Mapping[str, Any]:
    if not image:
        return textract_failure(400, "InvalidParameterException", "Request has invalid parameters")
    if len(image) > _MOST_BYTES:
        return textract_failure(400, "DocumentTooLargeException", "The document is too large")
    try:
        found = list(strips(image))
    except (ValueError, struct.error, zlib.error):
        return textract_failure(400, "UnsupportedDocumentException", _UNREADABLE)
    return {
        "DocumentMetadata": {"Pages": 1},
        "Blocks": list(_blocks(found)),
        "DetectDocumentTextModelVersion": "1.0",
    }


def _blocks(found: list[Strip]) -> Iterator[dict[str, Any]]:
    """A page, its lines, their words."""
    lines = [(_id(f"line {number}"), strip) for number, strip in enumerate(found)]
    page = {"Width": 1.0, "Height": 1.0, "Left": 0.0, "Top": 0.0}
    children = [{"Type": "CHILD", "Ids": [line for line, _ in lines]}] if lines else []
    yield {"BlockType": "PAGE", "Id": _id("page"), "Geometry": _geometry(page), "Relationships": children}
    for line, strip in lines:
        words = [(_id(f"{line} {number}"), word) for number, word in enumerate(strip.text.split())]
        box = {"Width": strip.width, "Height": strip.height, "Left": strip.left, "Top": strip.top}
        common = {"Confidence": 99.5, "Geometry": _geometry(box)}
        links = [{"Type": "CHILD", "Ids": [word for word, _ in words]}]
        yield {"BlockType": "LINE", "Id": line, "Text": strip.text, "Relationships": links, **common}
        for word, text in words:
            yield {"BlockType": "WORD", "Id": word, "Text": text, "TextType": "PRINTED", **common}


def _geometry(box: Mapping[str, float]) -> dict[str, Any]:
    right, bottom = box["Left"] + box["Width"], box["Top"] + box["Height"]
    corners = ((box["Left"], box["Top"]), (right, box["Top"]), (right, bottom), (box["Left"], bottom))
    return {"BoundingBox": dict(box), "Polygon": [{"X": x, "Y": y} for x, y in corners], "RotationAngle": 0.0}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


@contextmanager
def textract_server(behaviour: Behaviour | None = None) -> Iterator[TextractServer]:
    """In a thread of this process."""
    service = _Textract(behaviour or Behaviour())
    with listening(service, name="textract-server") as server:
        yield TextractServer(
            url=server.url,
            planned=service.planned,
            requests=service.requests,
            statistics=service.statistics,
        )
