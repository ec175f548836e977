"""What the kernel says of processes."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def is_alive(pid: int) -> bool:
    """A zombie, which stays in a container without an init process, is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    return True


def holders(path: Path) -> Iterator[int]:
    """The PostgreSQL processes that have the file open, as far as the system tells."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if _is_postgres(folder) and any(_leads_to(link, path) for link in (folder / "fd").iterdir()):
                yield int(folder.name)


def _is_postgres(folder: Path) -> bool:
    return (folder / "comm").read_text().strip() == "postgres"


def _leads_to(link: Path, path: Path) -> bool:
    with suppress(OSError):
        return os.readlink(link) == str(path)  # noqa: PTH115 - as it stands, not resolved
    return False
