"""Builds the text recognition that ACERVO_OCR names, and imports no other."""

from rag.errors import SettingInvalid
from rag.ports import Ocr
from rag.settings import OcrSettings


def build_ocr(settings: OcrSettings) -> Ocr | None:
    """None: pages that are images fail. Raises SettingInvalid."""
    if settings.ocr == "textract":
        return _textract(settings)
    if settings.ocr == "tesseract":
        from rag.adapters.tesseract import Tesseract  # noqa: PLC0415 - only where it is used

        return Tesseract(
            languages=settings.ocr_languages,
            seconds=settings.ocr_page_seconds,
            concurrency=settings.ocr_concurrency,
            most_pages=settings.ocr_max_pages,
        )
    return None


def _textract(settings: OcrSettings) -> Ocr:
    try:
        from rag.adapters.textract import Textract  # noqa: PLC0415 - boto3 takes half a second
    except ModuleNotFoundError as error:
        raise SettingInvalid(f"ACERVO_OCR=textract needs {error.name}: pip install 'acervo[aws]'") from error
    return Textract(concurrency=settings.ocr_concurrency, most_pages=settings.ocr_max_pages)
