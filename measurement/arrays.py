"""The kinds of arrays that figures are computed on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def distinct(codes: Ints) -> int:
    """How many different codes there are; codes are small and not negative."""
    return int(np.count_nonzero(np.bincount(codes)))
