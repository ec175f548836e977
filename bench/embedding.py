"""Embedding through Bedrock: Acervo beside boto3 by hand and other libraries, against a fake server.

Peers run where they are installed (`make peers`): `.venv-bench/bin/python -m bench.embedding`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.request import urlopen

from bench.embedding_contenders import QUOTA_PER_SECOND, REGION

LATENCY_MS: Final = 80
PEER_TEXTS: Final = 60
TIMEOUT_SECONDS: Final = 900

UNLIMITED: Final = ("acervo", "boto3, 64 threads")
UNLIMITED_PEERS: Final = (
    "langchain embed_documents",
    "langchain aembed_documents",
    "llama-index batch",
    "llama-index async batch",
    "haystack document embedder",
)
LIMITED: Final = (
    "acervo, quota configured",
    "acervo",
    "boto3, 32 threads",
    "boto3, 32 threads, standard retries",
)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`throttled`: requests that the server refused. `missing`: the package that is not installed."""

    name: str
    texts: int
    seconds: float = 0.0
    embedded: int = 0
    throttled: int = 0
    missing: str | None = None

    @property
    def rate(self) -> float:
        return self.embedded / self.seconds if self.seconds else 0.0

    @property
    def lost(self) -> int:
        return 0 if self.missing else self.texts - self.embedded


def main() -> None:
    arguments = _arguments()
    unlimited = [_measure(name, arguments.texts) for name in UNLIMITED]
    unlimited += [_measure(name, PEER_TEXTS) for name in UNLIMITED_PEERS]
    limited = [_measure(name, arguments.texts, quota=QUOTA_PER_SECOND) for name in LIMITED]
    bars = _bars(unlimited, limited)
    if arguments.json:
        print(json.dumps(_report(unlimited, limited, bars)))
    else:
        print(_table(unlimited, limited, bars))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(name: str, texts: int, *, quota: int | None = None) -> Measurement:
    """A process for the contender and one for the server: neither takes the other's time."""
    with _server(quota) as url:
        command = [sys.executable, "-m", "bench.embedding_contenders", name, str(texts)]
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            env=_environment(url),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
        outcome = json.loads(done.stdout.splitlines()[-1])
        with urlopen(f"{url}/statistics") as response:  # noqa: S310 - our own server
            throttled = json.load(response)["throttled"]
    return Measurement(name=name, texts=texts, throttled=throttled, **outcome)


@contextmanager
def _server(quota: int | None) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.doubles.bedrock_server", "--latency-ms", str(LATENCY_MS)]
    command += ["--requests-per-second", str(quota)] if quota else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - for the type checker
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _environment(url: str) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }


def _bars(unlimited: Sequence[Measurement], limited: Sequence[Measurement]) -> dict[str, tuple[float, float]]:
    """What must hold: measured and least."""
    free = {measurement.name: measurement.rate for measurement in unlimited}
    quota = {measurement.name: measurement.rate / QUOTA_PER_SECOND for measurement in limited}
    bars = {
        "share of the quota, configured": (quota["acervo, quota configured"], 0.95),
        "share of the quota, not known": (quota["acervo"], 0.85),
        "times boto3 by hand": (free["acervo"] / free["boto3, 64 threads"], 1.0),
    }
    for peer, least in (("langchain embed_documents", 40.0), ("langchain aembed_documents", 7.0)):
        if free[peer]:
            bars[f"times {peer}"] = (free["acervo"] / free[peer], least)
    return bars


def _report(
    unlimited: Sequence[Measurement], limited: Sequence[Measurement], bars: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    def described(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
        return [{**asdict(item), "rate": round(item.rate, 1), "lost": item.lost} for item in measurements]

    return {
        "latency_ms": LATENCY_MS,
        "no_quota": described(unlimited),
        "quota_per_second": QUOTA_PER_SECOND,
        "quota": described(limited),
        "bars": {name: {"measured": round(m, 3), "least": least} for name, (m, least) in bars.items()},
    }


def _table(
    unlimited: Sequence[Measurement], limited: Sequence[Measurement], bars: Mapping[str, tuple[float, float]]
) -> str:
    lines = [f"No quota, {LATENCY_MS} ms a call"]
    lines += map(_line, unlimited)
    lines += ["", f"{QUOTA_PER_SECOND} requests a second, {LATENCY_MS} ms a call"]
    lines += map(_line, limited)
    lines += ["", "What must hold"]
    lines += [
        f"  {name:<40} {measured:>8.2f}  at least {least:g}{'' if measured >= least else '  MISSED'}"
        for name, (measured, least) in bars.items()
    ]
    return "\n".join(lines)


def _line(item: Measurement) -> str:
    if item.missing:
        return f"  {item.name:<40} not installed ({item.missing})"
    return (
        f"  {item.name:<40} {item.rate:>8.1f} texts/s  {item.seconds:>7.1f} s for {item.texts:>5}"
        f"  lost {item.lost:>4}  throttled {item.throttled:>5}"
    )


if __name__ == "__main__":
    main()
