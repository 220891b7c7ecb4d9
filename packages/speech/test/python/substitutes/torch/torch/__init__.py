"""Stand-in for torch: the little of it that the engines touch. No model."""

import sys
from typing import Any, List


class OutOfMemoryError(RuntimeError):
    pass


class Tensor:
    """One or two dimensions of numbers."""

    def __init__(self, values: List[Any]) -> None:
        self._values = values

    def squeeze(self) -> "Tensor":
        values = self._values
        while len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        return Tensor(values)

    def tolist(self) -> List[Any]:
        return self._values


class cuda:
    OutOfMemoryError = OutOfMemoryError

    @staticmethod
    def is_available() -> bool:
        return False

    @staticmethod
    def empty_cache() -> None:
        print("stand-in: cache emptied", file=sys.stderr, flush=True)


class backends:
    class mps:
        @staticmethod
        def is_available() -> bool:
            return False
