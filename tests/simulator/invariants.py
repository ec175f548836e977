"""What must be true once every event was delivered and nothing goes wrong any more."""

from collections.abc import Iterator, Mapping

from psycopg import sql
from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Connection
from rag.domain.documents import Place
from tests.simulator.queues import Queue, Shard
from tests.simulator.reader import Reader, Violation, door_of, place_of
from tests.simulator.world import Door, Key, expected_text, sha256

_DOCUMENTS = sql.SQL("""
SELECT d.*, k.name AS collection, t.text FROM documents d JOIN collections k USING (tenant_id, collection_id)
LEFT JOIN LATERAL (
    SELECT string_agg(t.text, '' ORDER BY t.part) AS text FROM document_texts t
    WHERE t.tenant_id = d.tenant_id AND t.document_id = d.document_id AND t.build = d.build
) t ON true
""")
_LEFT_OVER = sql.SQL("""
SELECT d.tenant_id, k.name AS collection, d.key, d.status, d.build, c.build AS other, count(*) AS chunks
FROM documents d
JOIN collections k USING (tenant_id, collection_id)
JOIN chunks c ON (c.tenant_id, c.document_id) = (d.tenant_id, d.document_id)
WHERE c.build <> d.build GROUP BY 1, 2, 3, 4, 5, 6
""")
_TEXTS_LEFT_OVER = sql.SQL("""
SELECT d.tenant_id, k.name AS collection, d.key, d.status, d.build, t.build AS other, count(*) AS parts
FROM documents d
JOIN collections k USING (tenant_id, collection_id)
JOIN document_texts t ON (t.tenant_id, t.document_id) = (d.tenant_id, d.document_id)
WHERE t.build <> d.build GROUP BY 1, 2, 3, 4, 5, 6
""")
_TABLES = sql.SQL(
    "SELECT relname FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relkind = 'r'"
)
_MENTIONS = 'SELECT {name} AS "table", x::text AS row FROM {table} x WHERE x::text ~ %(pattern)s'


def check_end(
    owner: Connection, keys: Mapping[Place, Key], reader: Reader, queue: Queue, shards: tuple[Shard, ...]
) -> Iterator[Violation]:
    rows = {place_of(row): row for row in owner.execute(_DOCUMENTS)}
    yield from reader.look()
    for place, key in keys.items():
        yield from _settled(key, rows.get(place))
        for door in _doors_to_check(key):
            yield from _last_write(key, door, rows.get(place))
    yield from _nothing_left_over(owner)
    yield from _deleted_completely(owner, keys, rows, reader)
    yield from _only_poison(queue, shards)


def _doors_to_check(key: Key) -> tuple[Door, ...]:
    # Which of two doors came first depends on the delivery.
    return key.doors if len(key.doors) == 1 else ()


def _settled(key: Key, row: DictRow | None) -> Iterator[Violation]:
    if row is None:
        return
    if row["status"] not in ("ready", "failed"):
        yield _violation(3, key, f"status {row['status']} after {row['attempts']} attempts")
    if row["status"] == "failed" and (row["failure"] is None or not row["failure"]["code"]):
        yield _violation(3, key, "failed without a reason")
    if door_of(row) not in key.doors:
        yield _violation(1, key, f"came by {row['source_uri']}")


def _last_write(key: Key, door: Door, row: DictRow | None) -> Iterator[Violation]:
    state = key.now(door)
    if state.body is None:
        if row is not None:
            yield _violation(1, key, f"deleted, and there is a document: {_summary(row)}")
        return
    if row is None:
        yield _violation(1, key, "written, and there is no document")
        return
    extracted = expected_text(state, key)
    if extracted is None:
        if row["status"] != "failed" or row["failure"]["retryable"]:
            yield _violation(3, key, f"cannot be read, and is not failed for good: {_summary(row)}")
        return
    expected = {
        "status": "ready",
        "text": extracted.text,
        "content_sha256": sha256(state.body),
        "title": (state.attributes.title if state.attributes else None) or extracted.title,
        "metadata": dict(state.attributes.metadata) if state.attributes else {},
    }
    wrong = {name: row[name] for name, value in expected.items() if row[name] != value}
    if wrong:
        wanted = {name: expected[name] for name in wrong}
        yield _violation(3 if "status" in wrong else 1, key, f"{wrong} instead of {wanted}; {_summary(row)}")


def _nothing_left_over(owner: Connection) -> Iterator[Violation]:
    for row in owner.execute(_LEFT_OVER):
        seen = f"{row['chunks']} chunks of build {row['other']} beside build {row['build']} ({row['status']})"
        yield Violation(invariant=7, key="/".join(place_of(row)), seen=seen)
    for row in owner.execute(_TEXTS_LEFT_OVER):
        seen = f"{row['parts']} parts of the text of build {row['other']} beside build {row['build']}"
        yield Violation(invariant=7, key="/".join(place_of(row)), seen=seen)


def _deleted_completely(
    owner: Connection, keys: Mapping[Place, Key], rows: Mapping[Place, DictRow], reader: Reader
) -> Iterator[Violation]:
    present = {row["document_id"] for row in rows.values()}
    gone = [document for document in reader.documents if document not in present]
    markers = [key.marker for place, key in keys.items() if place not in rows and not key.copied]
    if not gone and not markers:
        return
    for row in owner.execute(_mentions(owner), {"pattern": "|".join([*gone, *markers])}):
        seen = f"the table {row['table']} still has {row['row']:.200}"
        yield Violation(invariant=7, key="a deleted document", seen=seen)


def _mentions(owner: Connection) -> sql.Composed:
    """A query over every table of the schema, whatever tables there are."""
    names = sorted(row["relname"] for row in owner.execute(_TABLES))
    parts = [
        sql.SQL(_MENTIONS).format(name=sql.Literal(name), table=sql.Identifier("acervo", name))
        for name in names
    ]
    return sql.SQL(" UNION ALL ").join(parts)


def _only_poison(queue: Queue, shards: tuple[Shard, ...]) -> Iterator[Violation]:
    for message in queue.messages:
        yield Violation(invariant=3, key=message.id, seen=f"still in the queue: {message.body:.200}")
    for message in queue.dead:
        if not message.poison:
            yield Violation(
                invariant=4, key=message.id, seen=f"in the dead-letter queue: {message.body:.200}"
            )
    for shard in shards:
        for record in shard.destination:
            if not record.poison:
                yield Violation(invariant=4, key=record.sequence, seen=f"given up: {record.data!r:.200}")


def _summary(row: DictRow) -> str:
    return (
        f"status {row['status']}, version {row['version']}/{row['latest_version']}, failure {row['failure']}"
    )


def _violation(invariant: int, key: Key, seen: str) -> Violation:
    return Violation(invariant=invariant, key=key.label, seen=seen)
