"""Writes a tiny sentence-embedding model directory: a table of word vectors as an ONNX graph."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

DIMENSIONS = 48
SPECIAL = ("[UNK]", "[CLS]")

_FLOAT, _INT64 = 1, 7


def write_model(directory: Path, words: Sequence[str], *, location: str = "model.onnx") -> Path:
    """A model that embeds `words`; all other words are one word to it."""
    vocabulary = [*SPECIAL, *dict.fromkeys(words)]
    model = directory / location
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_bytes(onnx_gather(len(vocabulary)))
    (directory / "tokenizer.json").write_text(json.dumps(_tokenizer(vocabulary)), "utf-8")
    return directory


def onnx_gather(rows: int, inputs: Sequence[str] = ("input_ids", "attention_mask")) -> bytes:
    """last_hidden_state = table[input_ids], as a serialised ModelProto (onnx.proto names the numbers)."""
    node = _text(1, "table") + _text(1, "input_ids") + _text(2, "last_hidden_state") + _text(4, "Gather")
    graph = b"".join(
        [
            _bytes(1, node),
            _text(2, "graph"),
            _bytes(5, _table(rows)),
            *(_bytes(11, _value(name, _INT64, ("batch", "sequence"))) for name in inputs),
            _bytes(12, _value("last_hidden_state", _FLOAT, ("batch", "sequence", "width"))),
        ]
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13))


def table(rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(7).standard_normal((rows, DIMENSIONS)).astype(np.float32)


def _tokenizer(vocabulary: Sequence[str]) -> dict[str, object]:
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}},
        },
        "decoder": None,
        "truncation": None,
        "padding": None,
        "model": {
            "type": "WordLevel",
            "unk_token": "[UNK]",
            "vocab": {word: row for row, word in enumerate(vocabulary)},
        },
    }


def _table(rows: int) -> bytes:
    dimensions = _number(1, rows) + _number(1, DIMENSIONS)
    return dimensions + _number(2, _FLOAT) + _text(8, "table") + _bytes(9, table(rows).tobytes())


def _value(name: str, element: int, axes: Sequence[str]) -> bytes:
    shape = b"".join(_bytes(1, _text(2, axis)) for axis in axes)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, shape)))


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])
