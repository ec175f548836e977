"""Every fault at every moment, and the promises that hold after each."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.doubles.embeddings_server import API_KEY, embeddings_server
from tests.kills.faults import FAULTS, NotTried
from tests.kills.moments import MODEL, MOMENTS
from tests.kills.scene import Scene, scene

_SMALL_DISK: Final = frozenset({"full-disk"})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`skipped` says why the fault could not be tried."""

    fault: str
    moment: str
    recovery_seconds: float = 0.0
    accepted: int = 0
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def name(self) -> str:
        return f"{self.fault}:{self.moment}"


def cells() -> list[str]:
    return [f"{fault}:{moment}" for fault in FAULTS for moment in MOMENTS]


def outcomes(chosen: list[str]) -> Iterator[Outcome]:
    with embeddings_server() as second:
        settings = {
            "ACERVO_EMBEDDING_OTHERS": f"openai:{second.base_url}#{MODEL}",
            "ACERVO_EMBEDDING_API_KEY": API_KEY,
        }
        for cell in chosen:
            fault, _, moment = cell.partition(":")
            yield tried(fault, moment, settings)


def tried(fault: str, moment: str, settings: dict[str, str]) -> Outcome:
    try:
        with scene(settings, small_disk=fault in _SMALL_DISK) as hurt:
            return _tried(hurt, fault, moment)
    except (NotTried, subprocess.CalledProcessError) as error:
        return Outcome(fault=fault, moment=moment, skipped=str(error))
    except RuntimeError as error:
        return Outcome(fault=fault, moment=moment, problems=(f"the server did not come back: {error}",))


def _tried(hurt: Scene, fault: str, moment: str) -> Outcome:
    with MOMENTS[moment](hurt):
        started = time.monotonic()
        FAULTS[fault](hurt)
        # What a fault lasts is not recovery; what the server takes to end is.
        since = time.monotonic() if fault in {"full-disk", "read-only", "two-servers"} else started
        seconds = hurt.recovered(since)
    hurt.settle()
    return Outcome(
        fault=fault,
        moment=moment,
        recovery_seconds=round(seconds, 1),
        accepted=len(hurt.accepted),
        problems=tuple(dict.fromkeys(hurt.problems)),
    )
