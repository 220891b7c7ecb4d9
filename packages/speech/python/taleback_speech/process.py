"""The process: its log, the pipes to the manager, its parent, its signals, its memory."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import Callable, Iterator

_PR_SET_PDEATHSIG = 1
#: The reading thread waits beyond this: a manager that asks and never reads must not fill the memory.
_MAX_UNSENT = 1024


def log(text: str) -> None:
    """Writes one line. Never raises: a log that is gone must not end the work."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"taleback_speech: {text}\n")
        sys.stderr.flush()


def log_exception(what: str) -> None:
    """Writes the exception being handled, with its stack. This is the only place a stack trace may go."""
    log(f"{what}\n{traceback.format_exc().rstrip()}")


def claim_streams() -> tuple[int, int]:
    """Takes standard input and output away from all other code; call it before anything is imported that may print.

    Returns the descriptors to read requests from and to write answers to; programs started later do not inherit
    them. Whatever is printed from now on goes to standard error, and whatever reads standard input finds its end.
    """
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # Its own buffer would be lost at the end: without -u it is written only when full.
    sys.stdout = sys.stderr
    return requests, answers


def read_lines(descriptor: int, max_line_bytes: int) -> Iterator[bytes | int]:
    """Lines without their ends until the stream ends, and of a line that is too long only its size.

    Bytes after the last `\\n` are not a line.
    """
    with suppress(OSError), os.fdopen(descriptor, "rb") as file:
        while True:
            part = file.readline(max_line_bytes + 1)
            size = len(part)
            # The bytes of a line beyond the limit are dropped.
            while part and not part.endswith(b"\n"):
                part = file.readline(max_line_bytes + 1)
                size += len(part)
            if not part:
                return
            yield part[:-1] if size == len(part) else size - 1


class Outbox:
    """Writes on a thread of its own: the reading thread, which sees the manager go, must not wait for the pipe.

    `on_broken` is called, on the writing thread, when the manager does not read any more.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._unsent: queue.Queue[tuple[tuple[bytes, ...], threading.Event]] = queue.Queue(_MAX_UNSENT)
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def send(self, *parts: bytes) -> None:
        """Sends the parts one after the other with nothing between them; returns before they are written."""
        self._unsent.put((parts, threading.Event()))

    def send_and_wait(self, *parts: bytes, timeout_seconds: float | None = None) -> None:
        """Returns when these and all before them are written, or the time is over."""
        is_sent = threading.Event()
        with suppress(queue.Full):
            self._unsent.put((parts, is_sent), timeout=timeout_seconds)
            is_sent.wait(timeout_seconds)

    def _run(self) -> None:
        while True:
            parts, is_sent = self._unsent.get()
            try:
                for part in parts:
                    rest = memoryview(part)
                    while rest:
                        rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                self._on_broken()
                return
            is_sent.set()


def die_with_parent() -> None:
    """Asks for SIGKILL when the parent ends. Best effort: the end of standard input says the same a little later.

    "The parent" is the very thread that started this process, so a manager must not start it on a short-lived one.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return
    # A parent that ended before the call sends nothing any more.
    if os.getppid() != parent:
        os._exit(0)


def watch_signals(on_terminate: Callable[[], None], is_by_hand: bool) -> None:
    """SIGTERM asks for the same as `shutdown`. Call it on the main thread; `is_by_hand`: a person types at us."""
    # Ctrl-C reaches the manager, too, which then sends `shutdown`. Obeying both would break off a sentence.
    if not is_by_hand:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        return
    # A Python handler would wait until the model's C code returns. The C handler itself writes to this descriptor.
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)

    def wait() -> None:
        while True:
            if signal.SIGTERM in os.read(wake_read, 64):
                on_terminate()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def rss_bytes() -> int | None:
    """Resident memory; None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
