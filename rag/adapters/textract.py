"""Text recognition by Amazon Textract, a page a call."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import sleep
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rag.adapters.aws_errors import (
    CREDENTIALS_TO_DO,
    SERVER_ERROR,
    code_of,
    said_by,
    status_of,
    throttled,
    unanswered,
)
from rag.adapters.model_client import model_client
from rag.adapters.retry import Pause, with_retries
from rag.adapters.textract_lines import in_reading_order
from rag.domain.page_images import RecognizedLine
from rag.errors import (
    AcervoError,
    CorruptDocument,
    DocumentRejected,
    DocumentTooLarge,
    ModelUnavailable,
    OcrUnavailable,
    SettingInvalid,
    Throttled,
)

# https://docs.aws.amazon.com/textract/latest/dg/limits-document.html
_MOST_BYTES: Final = 10 * 1024 * 1024
_READ_SECONDS: Final = 30
_QUOTA: Final = "ProvisionedThroughputExceededException"
_TO_DO: Final = {
    **CREDENTIALS_TO_DO,
    "AccessDeniedException": "let the role call textract:DetectDocumentText",
}


class Textract:
    """DetectDocumentText, which bills every page that it answers."""

    def __init__(
        self, *, concurrency: int, most_pages: int, client: Any | None = None, pause: Pause = sleep
    ) -> None:
        self._client = client or model_client("textract", "Textract", read_seconds=_READ_SECONDS)
        self._pause = pause
        self.concurrency: Final = concurrency
        self.most_pages: Final = most_pages

    def read(self, image: bytes) -> Sequence[RecognizedLine]:
        """Raises CorruptDocument, DocumentTooLarge, Throttled, OcrUnavailable and SettingInvalid."""
        if len(image) > _MOST_BYTES:
            raise _too_large()
        try:
            answer = with_retries(partial(self._send, image), self._pause)
        except ModelUnavailable as error:
            raise OcrUnavailable(error.detail) from error
        return in_reading_order([_line(block) for block in answer["Blocks"] if block["BlockType"] == "LINE"])

    def close(self) -> None:
        self._client.close()

    def _send(self, image: bytes) -> Any:
        try:
            return self._client.detect_document_text(Document={"Bytes": image})
        except ClientError as error:
            if (failure := _answered(error)) is None:
                raise
            raise failure from error
        except BotoCoreError as error:
            if (failure := unanswered(error, "Textract")) is None:
                raise
            raise failure from error


def _answered(error: ClientError) -> AcervoError | None:
    code, said = code_of(error), said_by(error)
    if code in _OF_THE_IMAGE:
        return _OF_THE_IMAGE[code]()
    if code == _QUOTA:
        return Throttled(f"Textract's quota is used up for now; {said}")
    if (quota_used_up := throttled(error)) is not None:
        return quota_used_up
    if status_of(error) >= SERVER_ERROR:
        return ModelUnavailable(f"Textract fails; {said}")
    if code in _TO_DO:
        return SettingInvalid(f"Textract refuses the call: {_TO_DO[code]} ({said})")
    return None


def _too_large() -> DocumentTooLarge:
    return DocumentTooLarge("The image has more than 10 MiB. Save it at 200–300 dots an inch as JPEG.")


def _unreadable() -> CorruptDocument:
    return CorruptDocument(
        "Textract cannot read the image: it takes PNG, JPEG and TIFF of one page. Save it anew."
    )


_OF_THE_IMAGE: Final[Mapping[str, Callable[[], DocumentRejected]]] = {
    "BadDocumentException": _unreadable,
    "UnsupportedDocumentException": _unreadable,
    "DocumentTooLargeException": _too_large,
}


def _line(block: Any) -> RecognizedLine:
    box = block["Geometry"]["BoundingBox"]
    return RecognizedLine(
        text=block["Text"],
        left=box["Left"],
        right=box["Left"] + box["Width"],
        top=box["Top"],
        bottom=box["Top"] + box["Height"],
    )
