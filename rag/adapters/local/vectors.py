"""Unit vectors and the texts they are made of."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def unit_rows(rows: FloatArray) -> list[list[float]]:
    """Each row scaled to length 1. A row without a direction becomes the first axis."""
    # A text without tokens has no direction, and cosine distance to a zero vector is NaN in pgvector.
    finite = np.nan_to_num(rows.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(finite, axis=1, keepdims=True)
    units = np.divide(finite, lengths, out=np.zeros_like(finite), where=lengths > 0)
    units[lengths[:, 0] == 0, 0] = 1.0
    vectors: list[list[float]] = units.tolist()
    return vectors


def well_formed(text: str) -> str:
    """The text with a question mark for each lone surrogate, which has no UTF-8."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
