"""Applies random source events to the bucket and the stream, and writes them into the truth."""

import json
from base64 import b64encode
from collections.abc import Sequence
from random import Random
from typing import Any

from rag.adapters import sidecar
from rag.domain.documents import Attributes
from rag.errors import InvalidSidecar
from rag.ports import Backend
from tests.doubles.bucket import Bucket, Change
from tests.simulator.queues import Queue, Record, Shard
from tests.simulator.rest import RestDoor
from tests.simulator.world import DEFAULT_TENANT, NOTHING, Door, Key, State

_WORDS = (
    "river",
    "stone",
    "harbour",
    "meadow",
    "lantern",
    "copper",
    "winter",
    "orchard",
    "thunder",
    "velvet",
)
_BAD = (b"", b"%PDF-1.7 nothing more", b"\x89PNG\r\n\x1a\n0000", b"PK\x03\x04 no archive")
# How long S3 may take to send a notification, seconds.
_DELAYS = (0.0, 0.0, 0.0, 1.0, 30.0, 400.0)
_POISONED_DATA = (
    b"\xff\xfe",
    b"[1, 2]",
    b'{"op": "upsert"}',
    b'{"op": "burn", "collection": "a", "key": "b"}',
)
_POISONED_BODIES = ("{", '"text"', '{"Records": [{"eventSource": "aws:s3"}]}', '{"hello": "world"}')
_FIRST_NUMBER = 49_590_338_271_490_256_608_559_692


class Producer:
    """Everybody who writes to the two doors; `step` makes one source event."""

    def __init__(
        self, random: Random, keys: Sequence[Key], bucket: Bucket, queue: Queue, shards: Sequence[Shard]
    ) -> None:
        self._random = random
        self._keys = keys
        self._bucket = bucket
        self._queue = queue
        self._shards = shards
        self._number = _FIRST_NUMBER
        self._changes: list[Change] = []
        bucket.listener = self._changes.append

    def step(self, now: float, backend: Backend) -> str:
        """Returns what was done; `backend` serves the requests."""
        if self._random.random() < 0.02:
            return self._poison(now)
        return self.change(self._random.choice(self._keys), now, backend)

    def change(self, key: Key, now: float, backend: Backend) -> str:
        if self._random.choice(key.doors) == "kinesis":
            return f"{key.label}: stream {self._stream_event(key)}"
        rest = RestDoor(backend, dies=lambda: self._random.random() < 0.3)
        return f"{key.label}: bucket {self._object_event(key, now, rest)}"

    def request_work(self, tenant: str, now: float, backend: Backend) -> None:
        """As the route does that retries a document."""
        backend.source.request_work(tenant)
        self._notify(now)

    def _object_event(self, key: Key, now: float, rest: RestDoor) -> str:
        name = object_name(key)
        present = key.now("s3").body is not None
        versions = self._bucket.versions(name)
        chances = {
            "edit": 10,
            "repeat": 2 * present,
            "delete": 1 + 4 * present,
            "describe": 3,
            "undescribe": 2 * (self._current(name + sidecar.SUFFIX) is not None),
            "describe badly": 0.4,
            "break": present,
            "copy": 1,
            "remove version": self._bucket.versioned * min(len(versions), 1),
            **dict.fromkeys(("upload", "delete by request", "describe by request"), len(key.doors) == 1),
        }
        what = self._choose(chances)
        if what in ("upload", "delete by request", "describe by request"):
            self._request(key, what, rest)
        elif what == "remove version":
            self._bucket.delete(name, self._random.choice(versions[:2]).id)
        elif "describe" in what:
            self._describe(name + sidecar.SUFFIX, what)
        elif what == "delete":
            self._bucket.delete(name)
        else:
            said = {"title": self._title(), "team": "ops"} if self._random.random() < 0.3 else {}
            self._bucket.put(name, self._body(key, what, "s3"), metadata=said)
        key.history("s3").append(self._state(name))
        self._notify(now)
        return what

    def _request(self, key: Key, what: str, rest: RestDoor) -> None:
        said = self._random.choice(
            (Attributes(), Attributes(title=self._title(), metadata={"by": "request"}))
        )
        if what == "upload":
            rest.upload(key, self._edit(key), said)
        elif what == "describe by request":
            rest.describe(key, said)
        else:
            rest.delete(key)

    def _describe(self, name: str, what: str) -> None:
        if what == "undescribe":
            self._bucket.delete(name)
        elif what == "describe badly":
            self._bucket.put(name, b"{not JSON")
        else:
            said = Attributes(title=self._title(), metadata={"level": self._random.randint(1, 9)})
            self._bucket.put(name, sidecar.dump(said) or b"")

    def _current(self, name: str) -> bytes | None:
        version = self._bucket.current(name)
        return version.body if version and not version.marker else None

    def _state(self, name: str) -> State:
        version = self._bucket.current(name)
        if version is None or version.marker:
            return NOTHING
        beside = self._current(name + sidecar.SUFFIX)
        if beside is not None:
            return State(body=version.body, attributes=_described(beside))
        said = dict(version.metadata)
        attributes = Attributes(title=said.pop("title", None), metadata=said)
        return State(body=version.body, attributes=attributes)

    def _notify(self, now: float) -> None:
        for change in self._changes:
            for _ in range(self._random.choice((1, 1, 1, 1, 2))):
                body = json.dumps(change.notification, ensure_ascii=False)
                delay = self._random.choice(_DELAYS)
                self._queue.send(body, visible_at=now + delay, about=change.key.removesuffix(sidecar.SUFFIX))
        self._changes.clear()

    def _stream_event(self, key: Key) -> str:
        present = key.now("kinesis").body is not None
        chances = {
            "edit": 10,
            "repeat": 2 * present,
            "delete": 1 + 4 * present,
            "break": present,
            "invalid": 0.5,
            "copy": 1,
        }
        what = self._choose(chances)
        tenant, collection, name = key.place
        record: dict[str, Any] = {"collection": collection, "key": name, "op": "upsert"}
        if tenant != DEFAULT_TENANT:
            record["tenant"] = tenant
        key.history("kinesis").append(self._fill(record, key, what))
        self._put(object_name(key), json.dumps(record).encode())
        return what

    def _fill(self, record: dict[str, Any], key: Key, what: str) -> State:
        if what == "delete":
            record["op"] = "delete"
            return NOTHING
        if what == "invalid":
            record["content_base64"] = "not base64!"
            return State(body=b"never read", usable=False)
        attributes = Attributes()
        if self._random.random() < 0.4:
            record |= {"title": self._title(), "metadata": {"level": self._random.randint(1, 9)}}
            attributes = Attributes(title=record["title"], metadata=record["metadata"])
        body = self._body(key, what, "kinesis")
        if not body.isascii() or not body or self._random.random() < 0.2:
            record["content_base64"] = b64encode(body).decode()
        else:
            record["text"] = body.decode()
        return State(body=body, attributes=attributes)

    def _put(self, partition: str, data: bytes, *, poison: bool = False) -> None:
        shard = shard_of(partition, self._shards)
        self._number += self._random.choice((1, 7, 10**12))
        shard.records.append(
            Record(number=self._number, partition_key=partition, data=data, shard=shard.id, poison=poison)
        )

    def _poison(self, now: float) -> str:
        if self._random.random() < 0.5:
            self._queue.send(self._random.choice(_POISONED_BODIES), visible_at=now, poison=True)
            return "a poisoned message"
        self._put(f"poison {self._random.random()}", self._random.choice(_POISONED_DATA), poison=True)
        return "a poisoned record"

    def _body(self, key: Key, what: str, door: Door) -> bytes:
        if what == "break":
            return self._random.choice(_BAD)
        if what == "repeat":
            return key.now(door).body or b""
        if what == "copy":
            other = self._random.choice(self._keys)
            other.copied = True
            return other.text.encode() or self._edit(key)
        return self._edit(key)

    def _edit(self, key: Key) -> bytes:
        """Some paragraphs are written anew, most are kept."""
        key.revision += 1
        if not key.paragraphs:
            key.paragraphs = [self._paragraph(key, n) for n in range(self._random.randint(1, 4))]
        changed = self._random.randrange(len(key.paragraphs))
        key.paragraphs[changed] = self._paragraph(key, changed)
        if self._random.random() < 0.2:
            key.paragraphs.append(self._paragraph(key, len(key.paragraphs)))
        elif len(key.paragraphs) > 1 and self._random.random() < 0.2:
            key.paragraphs.pop()
        return key.text.encode()

    def _paragraph(self, key: Key, number: int) -> str:
        words = " ".join(self._random.choices(_WORDS, k=9))
        return f"{key.marker} paragraph {number} of revision {key.revision} tells of {words}."

    def _title(self) -> str:
        return f"Title {self._random.randint(1, 99)}"

    def _choose(self, chances: dict[str, float]) -> str:
        return self._random.choices(list(chances), list(chances.values()))[0]


def object_name(key: Key) -> str:
    """In the bucket, and the partition key of the stream."""
    tenant, collection, name = key.place
    return f"{collection}/{name}" if tenant == DEFAULT_TENANT else f"@{tenant}/{collection}/{name}"


def shard_of(partition: str, shards: Sequence[Shard]) -> Shard:
    return shards[sum(partition.encode()) % len(shards)]


def _described(beside: bytes) -> Attributes | None:
    try:
        return sidecar.parse(beside)
    except InvalidSidecar:
        return None
