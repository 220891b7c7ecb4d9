"""Makes the kernel end this process with its parent, on Linux."""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


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
    # A parent that ended before the call sends nothing any more. That it is 1 says nothing: in a container the
    # manager is process 1. One that ended before getppid() is told by the end of standard input.
    if os.getppid() != parent:
        os._exit(0)
