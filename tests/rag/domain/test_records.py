import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.domain.documents import Attributes
from rag.domain.keys import validate_key
from rag.domain.records import Record, RecordPlace, partition_key, place_of, read_record
from rag.errors import InvalidKey, InvalidRecord

UPSERT = {"op": "upsert", "collection": "hr", "key": "férias.md"}


def raw(**changes: Any) -> bytes:
    return json.dumps({**UPSERT, **changes}).encode()


def test_a_record_names_its_document() -> None:
    assert place_of(raw(text="x"), default_tenant="default") == RecordPlace(
        tenant="default", collection="hr", key="férias.md", operation="upsert"
    )
    deletion = place_of(raw(op="delete", tenant="acme"), default_tenant="default")
    assert (deletion.place, deletion.operation) == (("acme", "hr", "férias.md"), "delete")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"op": "merge"}, "op in the record"),
        ({"op": None}, "op in the record"),
        ({"collection": None}, "collection is missing"),
        ({"collection": "HR"}, "A collection name has"),
        ({"collection": 7}, "must be a string"),
        ({"key": "../x"}, "no part of it may begin"),
        ({"key": "a\0"}, "NUL"),
        ({"key": "\ud800"}, "surrogate"),
        ({"tenant": "a/b"}, "A tenant's name has"),
        ({"tenant": ["a"]}, "must be a string"),
    ],
)
def test_a_record_that_names_no_document(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecord, match=reason):
        place_of(raw(**changes), default_tenant="default")


def test_text_is_utf8_whatever_else_is_not_said() -> None:
    assert read_record(raw(text="ação")) == Record(
        body="ação".encode(), s3_uri=None, attributes=Attributes(media_type="text/plain; charset=utf-8")
    )


def test_bytes_and_attributes() -> None:
    record = read_record(
        raw(
            content_base64=base64.b64encode(b"%PDF-\xff").decode(),
            title="Férias",
            media_type="application/pdf",
            metadata={"ano": 2026, "áreas": ["rh"], "nested": {"a": None}, "path": r"c:\u0000"},
        )
    )
    assert record.body == b"%PDF-\xff"
    assert record.attributes == Attributes(
        title="Férias",
        media_type="application/pdf",
        metadata={"ano": 2026, "áreas": ["rh"], "nested": {"a": None}, "path": r"c:\u0000"},
    )


def test_an_object_elsewhere() -> None:
    record = read_record(raw(s3_uri="s3://exports/a b/ç+%.pdf"))
    assert (record.s3_uri, record.body) == ("s3://exports/a b/ç+%.pdf", None)


def test_a_deletion_has_no_content() -> None:
    assert read_record(raw(op="delete")) == Record(body=None, s3_uri=None, attributes=Attributes())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "exactly one of text, content_base64 and s3_uri; this record has 0"),
        ({"text": "x", "s3_uri": "s3://abc/d"}, "this record has 2"),
        ({"op": "delete", "text": "x"}, "A deletion has no content"),
        ({"text": "x", "colour": "red"}, "unknown fields: 'colour'"),
        ({"text": 7}, "text in the record must be a string"),
        ({"text": "\ud800"}, "surrogate"),
        ({"text": "x", "title": 7}, "title in the record must be a string"),
        ({"text": "x", "title": "a\0"}, "NUL"),
        ({"text": "x", "media_type": []}, "media_type in the record"),
        ({"text": "x", "metadata": []}, "metadata in the record must be a JSON object"),
        ({"text": "x", "metadata": {"a": "\0"}}, "NUL"),
        ({"text": "x", "metadata": {"a": "\ud800"}}, "cannot be stored"),
        ({"content_base64": "a"}, "not standard base64"),
        ({"content_base64": "YQ=="[:3]}, "not standard base64"),
        ({"content_base64": "é"}, "not standard base64"),
        ({"s3_uri": "https://bucket/key"}, "s3://<bucket>/<object key>"),
        ({"s3_uri": "s3://bucket"}, "s3://<bucket>/<object key>"),
    ],
)
def test_a_record_that_cannot_be_ingested(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecord, match=reason):
        read_record(raw(**changes))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"op": "upsert", "collection": "hr", "key": "a", "text": "x", "metadata": {"a": NaN}}',
        b'{"op": "upsert", "collection": "hr", "key": "a", "text": "x", "metadata": {"a": 1e999}}',
        b'{"a": ' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:12] + body[-12:]),
)
def test_what_is_not_a_record(body: bytes) -> None:
    with pytest.raises(InvalidRecord):
        read_record(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ("op", "collection", "key", "tenant", "title", "media_type", "metadata", "text", "content_base64")
LIKELY = st.fixed_dictionaries(
    {"op": st.sampled_from(["upsert", "delete"]), "collection": st.just("hr"), "key": st.text(max_size=9)},
    optional={"text": st.text(), "metadata": st.dictionaries(st.text(), JSON, max_size=3), "title": JSON},
)
RECORDS = JSON | st.dictionaries(st.sampled_from((*FIELDS, "s3_uri")), JSON) | LIKELY


@given(st.binary() | RECORDS.map(lambda value: json.dumps(value).encode()))
@example(
    b'{"op":"upsert","collection":"hr","key":"a","text":"x","metadata":{"a":%s}}' % (b"[" * 900 + b"]" * 900)
)
def test_any_bytes_are_a_record_or_refused(body: bytes) -> None:
    try:
        assert place_of(body, default_tenant="default").collection
        record = read_record(body)
    except InvalidRecord:
        return
    # What is let through, a database can store.
    found = [record.attributes.title, record.attributes.media_type, record.attributes.metadata]
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    assert not any("\0" in text for text in strings(found))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for text in strings(list(pair))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


KEYS = st.text(max_size=400)


def valid(key: str) -> bool:
    try:
        return bool(validate_key(key))
    except InvalidKey:
        return False


@given(st.sampled_from(["default", "acme"]), KEYS.filter(valid))
@example("default", "/".join(["ção" * 40] * 5))
def test_a_partition_key_fits_and_is_the_document_s_own(tenant: str, key: str) -> None:
    found = partition_key((tenant, "hr", key), default_tenant="default")
    assert 1 <= len(found.encode()) <= 256
    assert found != partition_key((tenant, "hr", key + "x"), default_tenant="default")
    assert found != partition_key(("umbrella", "hr", key), default_tenant="default")


def test_partition_keys_that_producers_can_count_on() -> None:
    assert partition_key(("default", "hr", "a/b.md"), default_tenant="default") == "hr/a/b.md"
    assert partition_key(("acme", "hr", "a/b.md"), default_tenant="default") == "@acme/hr/a/b.md"
    assert partition_key(("default", "hr", "a" * 253), default_tenant="default") == "hr/" + "a" * 253
    assert (
        partition_key(("default", "hr", "a" * 254), default_tenant="default")
        == "88345b2824992a7f802adb9d00d8b2192dea20c1bfd4f71fdb257762003edf63"
    )
