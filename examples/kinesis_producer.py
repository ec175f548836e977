#!/usr/bin/env python3
"""Sends files to Acervo through a Kinesis data stream: the producer contract in one screen (docs/kinesis.md).

python examples/kinesis_producer.py --stream acervo-documents --collection handbook FILE...
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import boto3


def main() -> None:
    arguments = _arguments()
    kinesis = boto3.client("kinesis")
    for file in arguments.files:
        record = _record(file, arguments)
        answer = kinesis.put_record(
            StreamName=arguments.stream,
            Data=json.dumps(record, ensure_ascii=False).encode(),
            PartitionKey=_partition_key(record),
        )
        sys.stdout.write(f"{record['op']} {record['key']} {answer['SequenceNumber']}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stream", required=True)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--tenant", help="left out for the deployment's default tenant")
    parser.add_argument("--delete", action="store_true", help="delete the documents of these names")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="its name becomes the key")
    return parser.parse_args()


def _record(file: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    place = {"collection": arguments.collection, "key": file.name}
    if arguments.tenant:
        place["tenant"] = arguments.tenant
    if arguments.delete:
        return {"op": "delete", **place}
    return {"op": "upsert", **place, **_content(file.read_bytes())}


def _content(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"content_base64": base64.b64encode(body).decode()}


def _partition_key(record: dict[str, Any]) -> str:
    """All records of a document on one shard: there alone they have an order."""
    place = f"{record['collection']}/{record['key']}"
    if "tenant" in record:
        place = f"@{record['tenant']}/{place}"
    return place if len(place.encode()) <= 256 else hashlib.sha256(place.encode()).hexdigest()  # noqa: PLR2004


if __name__ == "__main__":
    main()
