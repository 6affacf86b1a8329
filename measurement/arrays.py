"""The kinds of arrays that figures are computed on, and numpy, which is loaded when it is used.

Every process of the product loads the modules that reckon, and few of them ever do: a worker that
asks judges all day held 13 MB for it, and every command began a sixth of a second later.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["Bools", "Floats", "Ints", "distinct", "np"]

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
else:
    Ints = Floats = Bools = Any

    class _Late:
        """Stands for a module. What was asked for once is found without it."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            found = getattr(importlib.import_module(self._name), name)
            setattr(self, name, found)
            return found

    np = _Late("numpy")


def distinct(codes: Ints) -> int:
    """How many different codes there are; codes are small and not negative."""
    return int(np.count_nonzero(np.bincount(codes)))
