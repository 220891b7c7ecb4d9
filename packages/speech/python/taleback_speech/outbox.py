"""Writes answers, whole and one after the other, whichever thread they come from."""

import os
import queue
import threading
from typing import Callable, Optional, Sequence

#: The reading thread waits beyond this: a manager that asks and never reads must not fill the memory.
_MAX_UNSENT = 1024


class _Frame:
    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = parts
        self.is_sent = threading.Event()


class Outbox:
    """A thread of its own does the writing: `pong` must not wait in the reading thread while sound fills the pipe,
    for that thread is the one that sees the manager go.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        """`on_broken` is called, on the writing thread, when nobody reads any more."""
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._frames: "queue.Queue[_Frame]" = queue.Queue(_MAX_UNSENT)
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def send(self, *parts: bytes) -> None:
        """Sends the parts one after the other with nothing between them; returns before they are written."""
        self._frames.put(_Frame(parts))

    def send_and_wait(self, *parts: bytes, timeout_seconds: Optional[float] = None) -> None:
        """Returns when these and all before them are written, or the time is over."""
        frame = _Frame(parts)
        try:
            self._frames.put(frame, timeout=timeout_seconds)
        except queue.Full:
            return
        frame.is_sent.wait(timeout_seconds)

    def _run(self) -> None:
        while True:
            frame = self._frames.get()
            try:
                for part in frame.parts:
                    self._write(part)
            except OSError:
                self._on_broken()
                return
            frame.is_sent.set()

    def _write(self, part: bytes) -> None:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
