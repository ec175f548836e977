"""Text recognition by the program `tesseract`: https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html."""

import csv
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rag.domain.page_images import RecognizedLine
from rag.errors import CorruptDocument, ParserTimedOut, SettingInvalid

# The image is the user's: whatever it makes the program ask for, it gets no more.
_MEMORY_KIBIBYTES: Final = 1_000_000
_LIMITED: Final = 'ulimit -d "$1" && ulimit -c 0 && shift && exec "$@"'
_START_SECONDS: Final = 10.0
_PAGE, _WORD = "1", "5"
# Boxes of what the program took for a picture hold one "word" of blanks.
_COLUMNS: Final = ("page_num", "block_num", "par_num", "line_num")


class Tesseract:
    """`languages` as the program names them, `por+eng`. Raises SettingInvalid where it is not installed."""

    def __init__(self, *, languages: str, seconds: float, concurrency: int, most_pages: int) -> None:
        self._program = _program(languages)
        self._languages = languages
        self._seconds = seconds
        self.concurrency: Final = concurrency
        self.most_pages: Final = most_pages

    def read(self, image: bytes) -> Sequence[RecognizedLine]:
        """Raises CorruptDocument, ParserTimedOut."""
        arguments = (self._program, "stdin", "stdout", "-l", self._languages, "--psm", "3", "tsv")
        limited = ("/bin/sh", "-c", _LIMITED, "sh", str(_MEMORY_KIBIBYTES), *arguments)
        try:
            done = subprocess.run(  # noqa: S603 - no shell sees anything of the document
                limited,
                input=image,
                capture_output=True,
                env={"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"},  # pages are what runs side by side
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ParserTimedOut(
                f"Recognising the text of a page takes longer than {self._seconds:g} s"
                " (ACERVO_OCR_PAGE_SECONDS). Scan it at 200–300 dots an inch and send it again."
            ) from error
        if done.returncode:
            raise CorruptDocument(
                "The image cannot be read by the text recognition. Save it as PNG and send it again."
            )
        return list(_lines(done.stdout.decode("utf-8", "replace")))


def _program(languages: str) -> str:
    found = shutil.which("tesseract")
    if found is None:
        raise SettingInvalid(
            "ACERVO_OCR=tesseract needs the program: apt install tesseract-ocr tesseract-ocr-por"
        )
    listed = subprocess.run(  # noqa: S603 - the operator's own program
        [found, "--list-langs"], capture_output=True, text=True, timeout=_START_SECONDS, check=False
    )
    missing = set(languages.split("+")) - set(listed.stdout.split())
    if missing:
        raise SettingInvalid(
            f"ACERVO_OCR_LANGUAGES: Tesseract has no {', '.join(sorted(missing))}:"
            f" apt install tesseract-ocr-{min(missing)}"
        )
    return str(Path(found).resolve())


def _lines(table: str) -> Iterator[RecognizedLine]:
    rows = list(csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    pages = {row["page_num"]: row for row in rows if row["level"] == _PAGE}
    words = (row for row in rows if row["level"] == _WORD and row["text"].strip())
    for place, found in groupby(words, key=lambda row: tuple(row[column] for column in _COLUMNS)):
        yield _line(list(found), pages[place[0]])


def _line(words: Sequence[dict[str, str]], page: dict[str, str]) -> RecognizedLine:
    width, height = int(page["width"]), int(page["height"])
    return RecognizedLine(
        text=" ".join(word["text"] for word in words),
        left=min(_numbers(words, "left")) / width,
        right=max(_numbers(words, "left", "width")) / width,
        top=min(_numbers(words, "top")) / height,
        bottom=max(_numbers(words, "top", "height")) / height,
    )


def _numbers(words: Iterable[dict[str, str]], *columns: str) -> list[int]:
    """The sum of these columns of each word."""
    return [sum(int(word[column]) for column in columns) for word in words]
