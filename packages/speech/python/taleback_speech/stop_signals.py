"""What signals mean to a child."""

import os
import signal
import sys
import threading
from typing import Callable


def watch_signals(on_terminate: Callable[[], None], is_by_hand: bool) -> None:
    """SIGTERM asks for the same as `shutdown`; call it on the main thread.

    Ctrl-C reaches every process of the terminal, the manager too, which then sends `shutdown`; obeying both would
    break off the sentence that `shutdown` lets us finish. So SIGINT is ignored, unless somebody types at us
    (`is_by_hand`).

    A Python handler would wait until the model's C code returns to the interpreter. The wake-up descriptor is
    written by the C handler itself, so the thread that reads it can answer the queued requests at once.
    """
    if not is_by_hand:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        return
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)

    def wait() -> None:
        while True:
            if signal.SIGTERM in os.read(wake_read, 64):
                on_terminate()

    threading.Thread(target=wait, name="signals", daemon=True).start()
