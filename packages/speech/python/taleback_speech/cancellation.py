"""How a running job is told that nobody waits for it any more."""

import threading
from contextlib import contextmanager
from typing import Callable, Iterator, Optional

from .faults import SpeechFault


class Cancellation:
    """Set at most once, by the reading thread, while the engine works on the main thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._callback: Optional[Callable[[], None]] = None

    def is_set(self) -> bool:
        return self._is_set

    def raise_if_set(self) -> None:
        """Raises SpeechFault `job_cancelled` once the job is cancelled; cheap enough for an inner loop."""
        if self._is_set:
            raise SpeechFault("job_cancelled", "The job was cancelled.")

    @contextmanager
    def calling(self, stop: Callable[[], None]) -> Iterator[None]:
        """Within the block a cancellation calls `stop`, on another thread; an earlier one calls it at once.

        `stop` must not block: the thread that calls it answers pings.
        """
        with self._lock:
            self._callback = stop
            if self._is_set:
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._callback = None

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            if self._callback is not None:
                self._callback()
