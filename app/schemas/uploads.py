"""Uploads over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.schemas.common import WHOLE, RequestModel, ResponseModel, Text
from app.schemas.documents import KEY_SCHEMA, MediaType


class UploadCreate(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"key": "policies/refunds.pdf", "media_type": "application/pdf", "size": 18_430_112}]
        }
    )

    key: Annotated[
        Text,
        Field(
            description="Unique in the collection; writing it again makes a new version",
            json_schema_extra=KEY_SCHEMA,
        ),
    ]
    media_type: Annotated[MediaType, Field(description="What the bytes are sent as, exactly")]
    size: Annotated[int, Field(ge=1, description="How many bytes will be sent, exactly"), WHOLE]


class UploadGrant(ResponseModel):
    """`POST`: a multipart form of `fields` and then the part `file`. `PUT`: the bytes, with `headers`."""

    method: Literal["POST", "PUT"]
    url: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    expires_at: datetime
