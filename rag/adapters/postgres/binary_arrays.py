"""One-dimensional arrays in PostgreSQL's binary form, a whole column at a time."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

# Dimensions, whether there are nulls, type of the elements, how many they are, the first one's place.
_HEADER: Final = struct.Struct(">iiIii")


class BinaryArray(bytes):
    """A parameter whose type the query must name: `%s::integer[]`."""

    __slots__ = ()


class BinaryArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> bytes:
        return obj


def texts(values: Iterable[str]) -> BinaryArray:
    return _of_buffers(types["text"].oid, [value.encode() for value in values])


def binaries(values: Sequence[bytes]) -> BinaryArray:
    return _of_buffers(types["bytea"].oid, values)


def integers(values: Sequence[int] | NDArray[np.int64]) -> BinaryArray:
    return _of_numbers(types["int4"].oid, np.asarray(values, ">i4"))


def bigints(values: Sequence[int] | NDArray[np.int64]) -> BinaryArray:
    return _of_numbers(types["int8"].oid, np.asarray(values, ">i8"))


def half_vectors(rows: NDArray[np.float32], element_type: int) -> BinaryArray:
    """The rows of a matrix as halfvec, a type whose number differs from database to database."""
    count, dimensions = rows.shape
    fields = [("size", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("values", ">f2", (dimensions,))]
    elements = np.zeros(count, dtype=fields)
    elements["size"] = elements.itemsize - 4
    elements["dimensions"] = dimensions
    elements["values"] = rows
    return _array(element_type, count, elements.tobytes())


def _of_numbers(element_type: int, values: NDArray[Any]) -> BinaryArray:
    elements = np.empty(len(values), dtype=[("size", ">i4"), ("value", values.dtype)])
    elements["size"] = values.itemsize
    elements["value"] = values
    return _array(element_type, len(values), elements.tobytes())


def _of_buffers(element_type: int, values: Sequence[bytes]) -> BinaryArray:
    parts = [part for value in values for part in (len(value).to_bytes(4, "big"), value)]
    return _array(element_type, len(values), b"".join(parts))


def _array(element_type: int, count: int, elements: bytes) -> BinaryArray:
    return BinaryArray(_HEADER.pack(1, 0, element_type, count, 1) + elements)
