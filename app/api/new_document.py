"""A new document from a JSON or a multipart body."""

import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.api.routes import as_strict, content_type_of, parse_json
from app.json_values import MAX_OBJECT_BYTES, escape_pointer
from app.schemas.documents import DocumentCreate, DocumentUpload
from rag.domain.documents import Attributes
from rag.domain.ids import new_id
from rag.domain.keys import validate_key
from rag.errors import DocumentTooLarge, InvalidRequest

M = TypeVar("M", bound=BaseModel)

FORM_FIELDS = frozenset({"file", "key", "title", "metadata"})
UNKNOWN_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    key: str
    body: BinaryIO
    attributes: Attributes


@dataclass(frozen=True, kw_only=True)
class Received:
    """A body as it came: the conversion, which may decode 50 MB, is left to the route's own thread."""

    attributes: DocumentUpload
    file: UploadFile | None = None

    def new_document(self, max_bytes: int) -> NewDocument:
        """Raises InvalidRequest, InvalidKey and DocumentTooLarge."""
        body, size = self._body()
        if size == 0:
            raise InvalidRequest("The document is empty.", pointer="/file")
        if size > max_bytes:
            raise DocumentTooLarge(f"The document has {size} bytes; at most {max_bytes} are accepted.")
        given = self.attributes
        return NewDocument(
            key=validate_key(self._file_name() or new_id("key") if given.key is None else given.key),
            body=body,
            attributes=Attributes(
                title=given.title or None, media_type=given.media_type, metadata=given.metadata or {}
            ),
        )

    def _body(self) -> tuple[BinaryIO, int]:
        if self.file is not None:
            return self.file.file, self.file.size or 0
        content = self.attributes.content() if isinstance(self.attributes, DocumentCreate) else b""
        return io.BytesIO(content), len(content)

    def _file_name(self) -> str:
        """The last part of the path that some clients send."""
        return re.split(r"[/\\]", (self.file.filename if self.file else None) or "")[-1]


async def _received(request: Request) -> AsyncIterator[Received]:
    """Held open until the route has read the file."""
    media_type, _ = content_type_of(request)
    if media_type == "multipart/form-data":
        async with _open_form(request) as form:
            yield _received_form(form)
    elif media_type == "application/json":
        yield Received(attributes=validated(DocumentCreate, await as_strict(request).json()))
    else:
        raise HTTPException(415, "Send application/json or multipart/form-data.")


ReceivedDependency = Annotated[Received, Depends(_received)]


def _open_form(request: Request) -> AbstractAsyncContextManager[FormData]:
    return asynccontextmanager(_form)(request)


async def _form(request: Request) -> AsyncIterator[FormData]:
    limits = {"max_files": 1, "max_fields": len(FORM_FIELDS), "max_part_size": MAX_OBJECT_BYTES * 2}
    async with request.form(**limits) as form:
        yield form


def _received_form(form: FormData) -> Received:
    fields = _fields(form)
    file = fields.pop("file", None)
    if not isinstance(file, UploadFile):
        raise InvalidRequest("A multipart upload needs a part `file` with a file name.", pointer="/file")
    if "metadata" in fields:
        fields["metadata"] = _metadata(fields["metadata"])
    fields["media_type"] = _part_media_type(file)
    return Received(attributes=validated(DocumentUpload, fields), file=file)


def _fields(form: FormData) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        pointer = f"/{escape_pointer(name)}"
        if name not in FORM_FIELDS or (name != "file" and not isinstance(value, str)):
            raise InvalidRequest(
                "An upload has the parts file, key, title and metadata, of which only file is a file.",
                pointer=pointer,
            )
        if name in fields:
            raise InvalidRequest("This part came twice.", pointer=pointer)
        fields[name] = value
    return fields


def _metadata(text: str) -> Any:
    try:
        return parse_json(text.encode())
    except HTTPException as error:
        raise InvalidRequest("The part `metadata` must be a JSON object.", pointer="/metadata") from error


def _part_media_type(file: UploadFile) -> str | None:
    """Without parameters; what clients send for want of knowledge counts as nothing."""
    media_type = (file.content_type or "").partition(";")[0].strip().lower()
    return None if media_type in {"", UNKNOWN_MEDIA_TYPE} else media_type


def validated(model: type[M], value: Mapping[str, Any]) -> M:
    """As FastAPI would, for bodies that it does not read itself."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found) from error
