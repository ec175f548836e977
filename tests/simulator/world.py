"""What stands behind each key after each source event: the truth that the service is compared with."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from ingestion.parse.reader import parse
from rag.domain.content import ExtractedText
from rag.domain.documents import Attributes, Place
from rag.errors import DocumentRejected

Door: TypeAlias = Literal["s3", "kinesis"]

DEFAULT_TENANT = "home"


@dataclass(frozen=True, kw_only=True)
class State:
    """`body` None: nothing stands there. `attributes` None: they cannot be read."""

    body: bytes | None = None
    attributes: Attributes | None = field(default_factory=Attributes)
    usable: bool = True


NOTHING = State()


@dataclass(kw_only=True)
class Key:
    """`marker` stands in every paragraph that was written for this key; it is part of no id.

    `copied`: other keys' bodies may have it too.
    """

    place: Place
    doors: tuple[Door, ...]
    marker: str
    histories: dict[Door, list[State]] = field(default_factory=dict)
    paragraphs: list[str] = field(default_factory=list)
    revision: int = 0
    copied: bool = False

    @property
    def label(self) -> str:
        return "/".join(self.place)

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)

    def history(self, door: Door) -> list[State]:
        return self.histories.setdefault(door, [NOTHING])

    def now(self, door: Door) -> State:
        return self.history(door)[-1]

    def bodies(self) -> Iterator[bytes]:
        for history in self.histories.values():
            yield from (state.body for state in history if state.body is not None)


@lru_cache(maxsize=20_000)
def readable(body: bytes, name: str, media_type: str | None = None) -> ExtractedText | None:
    """The text that readers must see, None where there is no reading it."""
    try:
        return parse(body, name=name, declared=media_type)
    except DocumentRejected:
        return None


def expected_text(state: State, key: Key) -> ExtractedText | None:
    if state.body is None or state.attributes is None or not state.usable:
        return None
    return readable(state.body, key.place[2], state.attributes.media_type)


@lru_cache(maxsize=20_000)
def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Positions:
    """How far a reader has come in a key's history: what is seen may never be older than what was seen."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._seen: dict[Door, int] = {}

    def advance(self, door: Door, digest: str | None) -> bool:
        """False: no state at or after the last one seen has a body of this digest (None: no body)."""
        history = self._key.history(door)
        for position in range(self._seen.get(door, 0), len(history)):
            body = history[position].body
            if (sha256(body) if body is not None else None) == digest:
                self._seen[door] = position
                return True
        # A late event of S3 shows the object as it is now; an earlier deletion may then be the last event
        # that was delivered.
        return door == "s3" and digest is None and any(state.body is None for state in history[1:])
