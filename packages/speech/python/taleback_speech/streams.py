"""Keeps the protocol's two streams to the protocol."""

import os
import sys
from typing import Tuple


def claim_streams() -> Tuple[int, int]:
    """Takes standard input and output away from everybody else; call it before anything is imported that may print.

    Returns the descriptors to read requests from and to write answers to; programs started later do not inherit
    them. Whatever is printed from now on, by Python, C code or such a program, goes to standard error, and whoever
    reads standard input (a library that asks for consent, say) finds its end.
    """
    requests = os.dup(0)
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # Its own buffer would be lost at the end: without -u it is written only when full.
    sys.stdout = sys.stderr
    return requests, answers
