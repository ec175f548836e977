"""Which patterns and readers of text take more than linear time: `python -m tests.superlinear`."""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import log
from typing import Any, Final

from tests.superlinear_patterns import LONGEST, Found, all_patterns
from tests.superlinear_shapes import GENERIC, shapes_of

SIZES: Final = (2_000, 16_000, 125_000, 1_000_000)
# Below this a measurement is noise of the machine.
_MEASURABLE: Final = 0.03
# Behind a step as steep as this the next size is not waited for, nor behind one that took so long.
_LONG: Final = 1.0
_LONGEST: Final = 4.0
# Seconds of one shape and size: where they are over, the process is ended.
_KILLED: Final = 20.0
_STEEPEST: Final = 1.5
_HALF: Final = 5
# Of a megabyte, where the growth is linear: what is slower is no better than quadratic.
_SLOWEST: Final = {"pattern": 3.0, "function": 30.0}


@dataclass(frozen=True, kw_only=True)
class Target:
    """`kind` is pattern or function, by which a megabyte may take longer or shorter."""

    name: str
    kind: str
    run: Callable[[str], Any]
    shapes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`exponent`: of the growth of time with size, None where it took too little time to tell."""

    target: str
    kind: str
    shape: str
    size: int
    seconds: float
    exponent: float | None
    killed: bool = False

    @property
    def superlinear(self) -> bool:
        steep = self.exponent is not None and self.exponent > _STEEPEST
        return self.killed or steep or self.seconds > _SLOWEST[self.kind] * self.size / SIZES[-1] + 1


def targets() -> Iterator[Target]:
    for found in all_patterns().found:
        for method in sorted(found.methods):
            yield Target(
                name=f"{found.place} {method}",
                kind="pattern",
                run=partial(_apply, found, method),
                shapes=(*GENERIC, *shapes_of(found.pattern)),
            )
    # Not before the patterns: a module that is imported already compiles nothing again.
    from tests.superlinear_functions import FUNCTIONS  # noqa: PLC0415 - see above

    for name, (function, shapes) in FUNCTIONS.items():
        yield Target(name=name, kind="function", run=function, shapes=(*GENERIC, *shapes))


def _quick(shapes: Sequence[str]) -> Sequence[str]:
    """Five that all have in common, and five of its own."""
    return (*GENERIC[:_HALF], *shapes[len(GENERIC) :][:_HALF])


def _apply(found: Found, method: str, text: str) -> None:
    text = text[: LONGEST.get(found.place.partition(":")[0])]
    subject: Any = text.encode("utf-8", "replace") if isinstance(found.pattern.pattern, bytes) else text
    if method == "sub":
        found.pattern.sub(subject[:0], subject)
    elif method == "finditer":
        for _ in found.pattern.finditer(subject):
            pass
    else:
        getattr(found.pattern, method)(subject)


def measure(target: Target) -> list[Measured]:
    """In a process of its own, which is ended where a shape takes too long."""
    context = multiprocessing.get_context("fork")
    measured: list[Measured] = []
    done = 0
    while done < len(target.shapes):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_measure_all, args=(target, done, sender), daemon=True)
        child.start()
        sender.close()
        last = (0, 0.0)
        while receiver.poll(_KILLED):
            try:
                message = receiver.recv()
            except EOFError:
                break
            if isinstance(message, Measured):
                measured.append(message)
                done += 1
            else:
                last = message
        alive = child.is_alive() and done < len(target.shapes)
        child.kill()
        child.join()
        if alive or child.exitcode not in {0, -9}:
            measured.append(_killed(target, done, *last))
            done += 1
    return measured


def _killed(target: Target, index: int, size: int, seconds: float) -> Measured:
    about = {"target": target.name, "kind": target.kind, "shape": target.shapes[index]}
    return Measured(**about, size=size, seconds=seconds, exponent=None, killed=True)


def _measure_all(target: Target, first: int, sender: Any) -> None:
    for shape in target.shapes[first:]:
        sender.send(_measure_shape(target, shape, sender))


def _measure_shape(target: Target, shape: str, sender: Any) -> Measured:
    points: list[tuple[int, float]] = []
    for size in SIZES:
        sender.send((size, points[-1][1] if points else 0.0))
        text = text_of(shape, size)
        started = time.process_time()
        target.run(text)
        points.append((size, time.process_time() - started))
        seconds = points[-1][1]
        if seconds > _LONGEST or (seconds > _LONG and (_exponent(points) or 0) > _STEEPEST):
            break
    size, seconds = points[-1]
    return Measured(
        target=target.name,
        kind=target.kind,
        shape=shape,
        size=size,
        seconds=seconds,
        exponent=_exponent(points),
    )


def text_of(shape: str, size: int) -> str:
    """The shape again and again, and a letter that no run goes on with."""
    return "x" + (shape * (size // len(shape) + 1))[: size - 2] + "\u0436"


def _exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Of the last step that can be measured."""
    steps = [
        log(after / before) / log(larger / smaller)
        for (smaller, before), (larger, after) in pairwise(points)
        if after > _MEASURABLE and before > _MEASURABLE / 16
    ]
    return steps[-1] if steps else None


def table(measured: Iterable[Measured]) -> str:
    lines = [f"{'name':<58}{'shape':<26}{'size':>9}{'seconds':>9}{'growth':>8}"]
    for each in measured:
        growth = "killed" if each.killed else "" if each.exponent is None else f"{each.exponent:.2f}"
        shape = ascii(each.shape)[:24]
        lines.append(f"{each.target:<58}{shape:<26}{each.size:>9}{each.seconds:>9.3f}{growth:>8}")
    return "\n".join(lines)


def main() -> int:
    """1 where something takes more than linear time."""
    arguments = _arguments()
    started = time.monotonic()
    chosen = [each for each in targets() if arguments.only in each.name]
    wanted = [each for each in chosen if arguments.kind in {"all", each.kind}]
    measured: list[Measured] = []
    for target in wanted:
        own = measure(replace(target, shapes=_quick(target.shapes)) if arguments.quick else target)
        measured += own
        if arguments.verbose or any(each.superlinear for each in own):
            _say(table(each for each in own if arguments.verbose or each.superlinear))
    bad = [each for each in measured if each.superlinear]
    for place in all_patterns().unread:
        _say(f"not read: {place}")
    _say(f"slowest:\n{table(sorted(measured, key=lambda each: -each.seconds)[:10])}")
    names = {each.target for each in bad}
    _say(f"{len(wanted)} targets, {len(measured)} measurements, {time.monotonic() - started:.0f} s")
    _say("\n  ".join([f"super-linear: {len(names)}", *sorted(names)]))
    return bool(bad)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.superlinear", description=__doc__)
    parser.add_argument("--kind", choices=["all", "pattern", "function"], default="all")
    parser.add_argument("--quick", action="store_true", help="ten shapes of each, as CI does")
    parser.add_argument("--only", default="", help="part of the names of what is measured")
    parser.add_argument("--verbose", action="store_true", help="everything, not only what is super-linear")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
