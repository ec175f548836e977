"""E-mail: its headers, its body, the names of its attachments, and the attachments for themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import PurePosixPath

from ingestion.parse.builder import TextBuilder, clean, one_line
from ingestion.parse.eml_headers import decode_as, header, shown
from ingestion.parse.eml_parts import Part, Role, children, leaves, payload
from ingestion.parse.encoding import decode
from ingestion.parse.html import add_whole_html
from ingestion.parse.media_type import EML
from ingestion.parse.media_type_text import utf16_without_bom
from ingestion.parse.plain import add_plain
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge

MAX_ATTACHMENTS = 1_000

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_NAME = 120
_FORBIDDEN = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_SUFFIXES = {"text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml"}


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """`name` is safe as the last part of a key and unique within its mail, whatever the case."""

    name: str
    media_type: str
    body: bytes


def parse_eml(body: bytes) -> ExtractedText:
    message = _message(body)
    builder = TextBuilder()
    _add_message(builder, message)
    return builder.finish(EML, header(message, "Subject"))


def attachments(body: bytes) -> Iterator[Attachment]:
    """What the mail encloses, in order; a forwarded mail is one. Raises DocumentRejected."""
    names: set[str] = set()
    for part in _attached(_message(body)):
        name = _unique(_name(part), names)
        if part.is_multipart():
            enclosed = b"".join(each.as_bytes() for each in children(part))
            yield Attachment(name=name, media_type=EML, body=enclosed)
        else:
            yield Attachment(name=name, media_type=part.get_content_type(), body=payload(part))


def _message(body: bytes) -> Part:
    if body.startswith(_UTF16_MARKS) or utf16_without_bom(body):
        body = decode(body).encode()
    try:
        message = message_from_bytes(body.lstrip(b"\r\n\t \xef\xbb\xbf"), policy=policy.compat32)
    except RecursionError as error:
        raise CorruptDocument("The e-mail nests too many parts. Send its parts one by one.") from error
    if not message.keys():
        raise CorruptDocument("The file calls itself an e-mail, but has no headers. Send the original again.")
    return message


def _add_message(builder: TextBuilder, message: Part) -> None:
    _add_head(builder, message)
    for leaf in leaves(message):
        if leaf.role is Role.BODY:
            _add_body(builder, leaf.part)
        elif leaf.role is Role.MESSAGE:
            _add_message(builder, leaf.part)


def _add_head(builder: TextBuilder, message: Part) -> None:
    named = [(name, header(message, name)) for name in _SHOWN]
    named.append(("Attachments", ", ".join(_names(message))))
    builder.add(BlockKind.PARAGRAPH, "\n".join(f"{name}: {value}" for name, value in named if value))


def _names(message: Part) -> Iterator[str]:
    names: set[str] = set()
    for part in _attached(message):
        yield _unique(_name(part), names)


def _attached(message: Part) -> Iterator[Part]:
    for count, part in enumerate(_all_attached(message)):
        if count == MAX_ATTACHMENTS:
            raise DocumentTooLarge(f"The e-mail has more than {MAX_ATTACHMENTS:,} attachments.")
        yield part


def _all_attached(message: Part) -> Iterator[Part]:
    for leaf in leaves(message):
        if leaf.role is Role.ATTACHED:
            yield leaf.part
        elif leaf.role is Role.MESSAGE:
            yield from _all_attached(leaf.part)


def _add_body(builder: TextBuilder, part: Part) -> None:
    if part.get_content_type() == "message/delivery-status":
        for report in children(part):
            builder.add(BlockKind.PARAGRAPH, "\n".join(f"{key}: {value}" for key, value in report.items()))
        return
    text = decode_as(payload(part), part.get_content_charset())
    if part.get_content_type() == "text/html":
        add_whole_html(builder, text)
    else:
        add_plain(builder, text)


def _name(part: Part) -> str:
    """The attachment's name without folders and signs that no file name may hold."""
    said = one_line(clean(shown(part.get_filename() or "")))
    if not said and part.is_multipart():
        said = next((header(each, "Subject") for each in children(part)), "")
    path = PurePosixPath(said.replace("\\", "/").rpartition("/")[2].translate(_FORBIDDEN).strip(". "))
    suffix = path.suffix[:20] or _SUFFIXES.get(part.get_content_type(), "")
    return f"{path.stem[:_LONGEST_NAME] or 'attachment'}{suffix}"


def _unique(name: str, taken: set[str]) -> str:
    path = PurePosixPath(name)
    candidate = name
    number = 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{path.stem} ({number}){path.suffix}"
    taken.add(candidate.lower())
    return candidate
