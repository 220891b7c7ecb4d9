"""The child's log: its standard error, which the manager passes on line by line."""

import sys
import traceback
from contextlib import suppress


def log(text: str) -> None:
    """Writes one line. Never raises: a log that is gone must not end the work."""
    with suppress(OSError, ValueError):
        sys.stderr.write("taleback_speech: %s\n" % text)
        sys.stderr.flush()


def log_exception(what: str) -> None:
    """Writes the exception being handled, with its stack. This is the only place a stack trace may go."""
    log("%s\n%s" % (what, traceback.format_exc().rstrip()))
