"""Which parts of an e-mail are its body, and which are attached to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias, cast

from rag.errors import CorruptDocument, EncryptedDocument

if TYPE_CHECKING:  # not generic at run time
    from email.message import Message

Part: TypeAlias = "Message[str, str]"

_DEEPEST = 50
_BODIES = frozenset({"text/plain", "text/html"})
_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_SECURED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ENCLOSED = frozenset({"message/rfc822", "message/global"})


class Role(Enum):
    BODY = auto()
    MESSAGE = auto()  # one of a digest, to be read in place
    ATTACHED = auto()


@dataclass(frozen=True, kw_only=True)
class Leaf:
    part: Part
    role: Role


def leaves(part: Part, depth: int = 0) -> Iterator[Leaf]:
    """The parts that hold content, in order. Raises CorruptDocument, EncryptedDocument."""
    if depth > _DEEPEST:
        raise CorruptDocument(f"The e-mail nests more than {_DEEPEST} parts. Send its parts one by one.")
    media_type = part.get_content_type()
    if media_type in _SIGNATURES:
        return
    if media_type == "multipart/encrypted" or _is_enveloped(part, media_type):
        raise EncryptedDocument("The e-mail is encrypted. Send it decrypted.")
    if not part.is_multipart() or media_type in _ENCLOSED or media_type == "message/delivery-status":
        yield Leaf(part=part, role=_role(part, media_type))
    else:
        yield from _inside(part, media_type, depth + 1)


def children(part: Part) -> Sequence[Part]:
    payload = part.get_payload()
    return cast("list[Part]", payload) if isinstance(payload, list) else []


def _inside(part: Part, media_type: str, depth: int) -> Iterator[Leaf]:
    if media_type == "multipart/alternative":
        yield from _alternative(children(part), depth)
    elif media_type == "multipart/related":
        yield from _related(children(part), depth)
    elif media_type == "multipart/digest":
        for message in children(part):
            for inner in children(message):
                yield Leaf(part=inner, role=Role.MESSAGE)
    else:
        for child in children(part):
            yield from leaves(child, depth)


def _alternative(versions: Sequence[Part], depth: int) -> Iterator[Leaf]:
    """The plain version, where it says anything, else the richest, which comes last; and all attachments."""
    readable = [version for version in versions if _could_be_read(version)]
    plain = [version for version in readable if version.get_content_type() == "text/plain" and _says(version)]
    chosen = plain[0] if plain else readable[-1] if readable else None
    for version in versions:
        found = leaves(version, depth)
        yield from (
            found
            if version is chosen
            else (leaf for leaf in found if leaf.role is Role.ATTACHED and readable)
        )


def _could_be_read(version: Part) -> bool:
    return version.get_content_type() in _BODIES or version.get_content_maintype() == "multipart"


def _says(part: Part) -> bool:
    return bool(payload(part).strip())


def _related(parts: Sequence[Part], depth: int) -> Iterator[Leaf]:
    """The root, and what is attached on purpose: pictures inside a page are not."""
    for index, part in enumerate(parts):
        if index == 0 or part.get_content_disposition() == "attachment":
            yield from leaves(part, depth)


def payload(part: Part) -> bytes:
    """The content, its transfer encoding undone."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _role(part: Part, media_type: str) -> Role:
    if media_type == "message/delivery-status":
        return Role.BODY
    named = part.get_filename() is not None or part.get_content_disposition() == "attachment"
    # A multipart whose boundary is missing is text.
    readable = media_type in _BODIES or part.get_content_maintype() == "multipart"
    return Role.BODY if readable and not named else Role.ATTACHED


def _is_enveloped(part: Part, media_type: str) -> bool:
    return media_type in _SECURED and part.get_param("smime-type") in {"enveloped-data", None}
