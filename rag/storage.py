"""What the system says of a disk that takes no more, as our errors."""

import errno
from collections.abc import Mapping
from typing import Final

from rag.errors import InsufficientStorage, StorageReadOnly, StorageUnavailable

_KINDS: Final[Mapping[int, type[StorageUnavailable]]] = {
    errno.ENOSPC: InsufficientStorage,
    errno.EDQUOT: InsufficientStorage,
    errno.EROFS: StorageReadOnly,
}


def storage_error(error: BaseException) -> StorageUnavailable | None:
    """The error as one of ours; None where it has nothing to do with the disk."""
    kind = _KINDS.get(error.errno or 0) if isinstance(error, OSError) else None
    return kind(f"{error}. Free some space or mount the disk writable.") if kind else None
