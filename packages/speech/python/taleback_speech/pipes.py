"""The two pipes to the manager: lines come in, answers go out."""

import os
import queue
import threading
from typing import Callable, Iterator, Optional, Sequence, Union

_CHUNK_BYTES = 64 * 1024


def read_lines(descriptor: int, max_line_bytes: int) -> Iterator[Union[bytes, int]]:
    """Lines without their ends until the stream ends, and of a line that is too long only its size.

    Bytes after the last `\\n` are not a line.
    """
    line = bytearray()
    # The size so far of a line beyond the limit, whose bytes are dropped.
    skipped_bytes = 0
    while True:
        try:
            chunk = os.read(descriptor, _CHUNK_BYTES)
        except OSError:
            return
        if not chunk:
            return
        start = 0
        while start < len(chunk):
            end = chunk.find(b"\n", start)
            stop = len(chunk) if end < 0 else end
            if skipped_bytes or len(line) + stop - start > max_line_bytes:
                skipped_bytes += len(line) + stop - start
                line.clear()
            else:
                line += chunk[start:stop]
            start = stop + 1
            if end >= 0:
                yield skipped_bytes or bytes(line)
                line.clear()
                skipped_bytes = 0


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
        """`on_broken` is called, on the writing thread, when the manager does not read any more."""
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
