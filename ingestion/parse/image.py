"""Images: pages without text, until text recognition reads them."""

from typing import NoReturn

from rag.errors import NoTextLayer


def parse_image(_body: bytes) -> NoReturn:
    raise NoTextLayer("The file is an image. Run text recognition (OCR) and send the result.")
