"""How documents lie in a bucket: `<collection>/<key>`, those of other tenants below `@<tenant>/`."""

import re

from rag.domain.documents import Place
from rag.domain.keys import SIDECAR_SUFFIX
from rag.errors import InvalidKey

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_URI = re.compile(r"s3://([A-Za-z0-9._-]{3,255})/(.+)", re.DOTALL)
# S3's own limit, in bytes of UTF-8.
MAX_OBJECT_KEY_BYTES = 1024
# Hidden, so no document lies there.
WORK_PREFIX = ".acervo/work/"


def validate_tenant(tenant: str) -> str:
    """The name itself. Raises InvalidKey."""
    if _TENANT.fullmatch(tenant) is None:
        raise InvalidKey(
            "A tenant's name has 1 to 63 characters: letters, digits, '_', '-' and '.',"
            " a letter or digit first.",
            pointer="/tenant",
        )
    return tenant


def object_key(place: Place, *, default_tenant: str) -> str:
    """The one object key of a document; also what its Kinesis records are partitioned by."""
    tenant, collection, key = place
    return f"{collection}/{key}" if tenant == default_tenant else f"@{tenant}/{collection}/{key}"


def place_of(name: str, *, default_tenant: str) -> Place:
    """Tenant, collection and key of an object. Raises InvalidKey where it lies outside any collection.

    Whether collection and key can be stored is not looked at.
    """
    tenant, below = default_tenant, name
    if name.startswith("@"):
        tenant, _, below = name[1:].partition("/")
        validate_tenant(tenant)
    if tenant == default_tenant and below != name:
        # Two objects would claim one document.
        raise InvalidKey(f"The default tenant's objects lie at the top of the bucket, not below @{tenant}/.")
    collection, slash, key = below.partition("/")
    if not slash:
        raise InvalidKey("The object lies in no collection: its key must be <collection>/<key>.")
    return tenant, collection, key


def is_document(name: str) -> bool:
    """Not a side-car, the marker of a folder or a hidden file."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not (hidden or name.endswith(("/", SIDECAR_SUFFIX)))


def object_state(etag: str, version_id: str | None) -> str:
    """The name of an object's state; S3 calls the only version of an unversioned object `null`."""
    bare = etag.strip('"')
    return f"{bare}/{version_id}" if version_id and version_id != "null" else bare


def described_state(state: str, sidecar: str) -> str:
    """An object's state with that of its side-car; `sidecar` is empty where there is none."""
    return f"{state}+{object_state(sidecar, None)}"


def same_state(one: str, other: str) -> bool:
    """A state without `+` comes from a notification, which says nothing of the side-car."""
    whole = "+" in one and "+" in other
    return one == other if whole else one.partition("+")[0] == other.partition("+")[0]


def work_request(tenant: str) -> str:
    """The object whose notification has the write path work off what the ledger holds of a tenant."""
    return WORK_PREFIX + tenant


def requested_tenant(name: str) -> str:
    """Whose work an object below WORK_PREFIX asks for. Raises InvalidKey."""
    return validate_tenant(name.removeprefix(WORK_PREFIX))


def object_uri(bucket: str, name: str) -> str:
    """`s3://<bucket>/<object key>`, not encoded: S3 keys may hold any character."""
    return f"s3://{bucket}/{name}"


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and object key. Raises InvalidKey."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise InvalidKey(f"{uri!r} is not of the form s3://<bucket>/<object key>.")
    return found[1], found[2]
