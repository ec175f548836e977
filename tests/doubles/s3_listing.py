"""The XML that S3 lists a bucket with, page by page."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.doubles.bucket import Bucket, Version

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def document(name: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_NAMESPACE}">{content}</{name}>'.encode()


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def objects(bucket: Bucket, query: Mapping[str, str], page_size: int) -> bytes:
    """ListObjectsV2."""
    limit = min(int(query.get("max-keys", page_size)), page_size)
    after = query.get("continuation-token", query.get("start-after", ""))
    found = [item for item in _items(bucket, query) if item[0] > after]
    page, more = found[:limit], len(found) > limit
    content = "".join(_content(name, version, query) for name, version in page)
    token = f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>" if more else ""
    return document("ListBucketResult", _head(bucket, query, limit, more=more) + token + content)


def versions(bucket: Bucket, query: Mapping[str, str], page_size: int) -> bytes:
    """ListObjectVersions, without delimiters."""
    limit = min(int(query.get("max-keys", page_size)), page_size)
    flat = [
        (key, version, place == 0)
        for key, versions in bucket.all_versions()
        if key.startswith(query.get("prefix", ""))
        for place, version in enumerate(versions)
    ]
    start = _start(flat, query.get("key-marker", ""), query.get("version-id-marker", ""))
    page, more = flat[start : start + limit], len(flat) > start + limit
    content = "".join(_version(*item, query) for item in page)
    following = ""
    if more:
        key, version, _ = page[-1]
        following = (
            f"<NextKeyMarker>{_name(key, query)}</NextKeyMarker>"
            f"<NextVersionIdMarker>{version.id}</NextVersionIdMarker>"
        )
    return document("ListVersionsResult", _head(bucket, query, limit, more=more) + following + content)


def _items(bucket: Bucket, query: Mapping[str, str]) -> Iterator[tuple[str, Version | None]]:
    """Objects, and prefixes up to the delimiter with None."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    last = None
    for key, version in bucket.current_versions():
        if not key.startswith(prefix):
            continue
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        common = key[: end + len(delimiter)] if end >= 0 else None
        if common is None:
            yield key, version
        elif common != last:
            yield common, None
            last = common


def _start(flat: list[tuple[str, Version, bool]], key: str, version_id: str) -> int:
    for index, (found, version, _) in enumerate(flat):
        if found == key and version.id == version_id:
            return index + 1
        if found > key:
            return index
    return len(flat)


def _head(bucket: Bucket, query: Mapping[str, str], limit: int, *, more: bool) -> str:
    encoding = "<EncodingType>url</EncodingType>" if "encoding-type" in query else ""
    return (
        f"<Name>{bucket.name}</Name><Prefix>{_name(query.get('prefix', ''), query)}</Prefix>"
        f"<MaxKeys>{limit}</MaxKeys>{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>"
    )


def _content(name: str, version: Version | None, query: Mapping[str, str]) -> str:
    if version is None:
        return f"<CommonPrefixes><Prefix>{_name(name, query)}</Prefix></CommonPrefixes>"
    return f"<Contents><Key>{_name(name, query)}</Key>{_state(version)}</Contents>"


def _version(key: str, version: Version, latest: bool, query: Mapping[str, str]) -> str:  # noqa: FBT001 - a column
    tag = "DeleteMarker" if version.marker else "Version"
    state = "" if version.marker else _state(version)
    return (
        f"<{tag}><Key>{_name(key, query)}</Key><VersionId>{version.id}</VersionId>"
        f"<IsLatest>{str(latest).lower()}</IsLatest>{state}</{tag}>"
    )


def _state(version: Version) -> str:
    return (
        f"<LastModified>{version.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<ETag>&quot;{version.etag}&quot;</ETag><Size>{len(version.body)}</Size>"
        "<StorageClass>STANDARD</StorageClass>"
    )


def _name(name: str, query: Mapping[str, str]) -> str:
    return quote(name, safe="/") if query.get("encoding-type") == "url" else escape(name)
