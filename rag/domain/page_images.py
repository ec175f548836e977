"""Pages that are images, and the lines of text that are recognised on them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PageImage:
    """A page as PNG, JPEG or TIFF. `document_type`: the media type of the document that it is of."""

    body: bytes
    document_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognizedLine:
    """A line of text; its edges as shares of the image's width and height, from the upper left corner."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
