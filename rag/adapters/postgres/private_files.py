"""Files and folders that only their owner reads, whatever the umask and whatever was there."""

import os
from pathlib import Path


def replace_private(path: Path, text: str) -> None:
    """In one step."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
