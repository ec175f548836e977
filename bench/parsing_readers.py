"""Readers of documents: Acervo's, and the libraries that others use, each as bytes to text.

Each function imports its own library, so that only that one is in the process whose memory is counted.
"""

import csv
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from io import BytesIO, StringIO
from typing import Any, Final, TypeAlias

Reader: TypeAlias = Callable[[bytes], str]


def acervo(suffix: str) -> Reader:
    parse: Any = import_module("ingestion.parse.reader").parse

    return lambda body: parse(body, name=f"a.{suffix}").text


def acervo_isolated(suffix: str) -> Reader:
    shared_parser: Any = import_module("ingestion.isolation").shared_parser

    return lambda body: shared_parser().parse(body, name=f"a.{suffix}").text


def markitdown(suffix: str) -> Reader:
    library: Any = import_module("markitdown")

    converter = library.MarkItDown()
    about = library.StreamInfo(extension=f".{suffix}")
    return lambda body: str(converter.convert_stream(BytesIO(body), stream_info=about).markdown)


def pypdfium2(_: str) -> Reader:
    pdfium: Any = import_module("pypdfium2")

    def read(body: bytes) -> str:
        document = pdfium.PdfDocument(body)
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)

    return read


def pypdf(_: str) -> Reader:
    pdf_reader: Any = import_module("pypdf").PdfReader

    return lambda body: "\n".join(page.extract_text() for page in pdf_reader(BytesIO(body)).pages)


def pdfminer(_: str) -> Reader:
    extract_text: Any = import_module("pdfminer.high_level").extract_text

    return lambda body: str(extract_text(BytesIO(body)))


def selectolax(_: str) -> Reader:
    parser: Any = import_module("selectolax.lexbor").LexborHTMLParser

    return lambda body: parser(body).root.text(separator="\n")


def beautifulsoup(_: str) -> Reader:
    soup: Any = import_module("bs4").BeautifulSoup

    return lambda body: str(soup(body, "html.parser").get_text("\n"))


def trafilatura(_: str) -> Reader:
    extract: Any = import_module("trafilatura").extract

    return lambda body: str(extract(body))


def python_docx(_: str) -> Reader:
    document: Any = import_module("docx").Document

    return lambda body: "\n".join(paragraph.text for paragraph in document(BytesIO(body)).paragraphs)


def docx2txt(_: str) -> Reader:
    process: Any = import_module("docx2txt").process

    return lambda body: str(process(BytesIO(body)))


def mammoth(_: str) -> Reader:
    extract_raw_text: Any = import_module("mammoth").extract_raw_text

    return lambda body: str(extract_raw_text(BytesIO(body)).value)


def python_pptx(_: str) -> Reader:
    presentation: Any = import_module("pptx").Presentation

    return lambda body: "\n".join(
        shape.text_frame.text
        for slide in presentation(BytesIO(body)).slides
        for shape in slide.shapes
        if shape.has_text_frame
    )


def openpyxl(_: str) -> Reader:
    load_workbook: Any = import_module("openpyxl").load_workbook

    def read(body: bytes) -> str:
        book = load_workbook(BytesIO(body), read_only=True)
        return "\n".join(
            "\t".join(map(str, row)) for sheet in book for row in sheet.iter_rows(values_only=True)
        )

    return read


def calamine(_: str) -> Reader:
    workbook: Any = import_module("python_calamine").CalamineWorkbook

    def read(body: bytes) -> str:
        book = workbook.from_filelike(BytesIO(body))
        sheets = (book.get_sheet_by_name(name) for name in book.sheet_names)
        return "\n".join("\t".join(map(str, row)) for sheet in sheets for row in sheet.to_python())

    return read


def pandas(_: str) -> Reader:
    read_csv: Any = import_module("pandas").read_csv

    return lambda body: str(read_csv(BytesIO(body)).to_string())


def csv_module(_: str) -> Reader:
    return lambda body: "\n".join(" | ".join(row) for row in csv.reader(StringIO(body.decode())))


def json_module(_: str) -> Reader:
    return lambda body: json.dumps(json.loads(body), ensure_ascii=False, indent=0)


def lxml(_: str) -> Reader:
    etree: Any = import_module("lxml.etree")

    return lambda body: "\n".join(etree.fromstring(body).itertext())


# The first of each is ours; "raw" readers give text without structure.
READERS: Final[Mapping[str, Mapping[str, Callable[[str], Reader]]]] = {
    "pdf": {"pypdfium2, text only": pypdfium2, "pypdf": pypdf, "pdfminer.six": pdfminer},
    "html": {
        "selectolax, text only": selectolax,
        "beautifulsoup4": beautifulsoup,
        "trafilatura": trafilatura,
    },
    "docx": {"docx2txt, text only": docx2txt, "python-docx, paragraphs": python_docx, "mammoth": mammoth},
    "pptx": {"python-pptx": python_pptx},
    "xlsx": {"python-calamine, cells only": calamine, "openpyxl, read-only": openpyxl},
    "csv": {"csv module, split only": csv_module, "pandas": pandas},
    "json": {"json module, indented": json_module},
    "xml": {"lxml, text only": lxml},
}
OURS: Final[Mapping[str, Callable[[str], Reader]]] = {
    "acervo": acervo,
    "acervo, isolated": acervo_isolated,
}
ALL: Final[Mapping[str, Callable[[str], Reader]]] = {"markitdown": markitdown}
