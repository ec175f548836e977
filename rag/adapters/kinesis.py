"""Puts one record of the producer contract into a stream (docs/kinesis.md)."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from rag.adapters import aws
from rag.domain.records import partition_key, place_of, read_record
from rag.errors import InvalidRecord

_NOT_TAKEN = frozenset({"InvalidArgumentException", "ValidationException"})


def put_record(
    stream: str,
    record: Mapping[str, Any],
    *,
    default_tenant: str,
    after: str | None = None,
    client: Any = None,
) -> str:
    """The record's sequence number. Raises InvalidRecord where consumers would refuse it.

    `after`: the sequence number of the document's record before, if both may be on their way together.
    """
    raw = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
    place = place_of(raw, default_tenant=default_tenant).place
    read_record(raw)
    ordered = {"SequenceNumberForOrdering": after} if after else {}
    with aws.translated_errors(f"The stream {stream}"):
        kinesis = client or aws.client("kinesis")
        try:
            answer = kinesis.put_record(
                StreamName=stream,
                Data=raw,
                PartitionKey=partition_key(place, default_tenant=default_tenant),
                **ordered,
            )
        except ClientError as error:
            if aws.code_of(error) not in _NOT_TAKEN:
                raise
            raise InvalidRecord(
                f"The stream does not take this record of {len(raw):,} bytes: {error}"
            ) from error
    return str(answer["SequenceNumber"])
