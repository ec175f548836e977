"""Every golden file, by format."""

from tests.ingestion.parse.goldens import (
    book_files,
    docx_files,
    mail_files,
    opendocument_files,
    pdf_files,
    plain_files,
    pptx_files,
    table_files,
)

ALL = (
    *plain_files.GOLDENS,
    *table_files.GOLDENS,
    *pdf_files.GOLDENS,
    *docx_files.GOLDENS,
    *pptx_files.GOLDENS,
    *opendocument_files.GOLDENS,
    *book_files.GOLDENS,
    *mail_files.GOLDENS,
)
