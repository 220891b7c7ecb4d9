"""Cuts a stream into lines, without ever holding more than one line of allowed length."""

import os
from typing import Iterator, NamedTuple, Union

_CHUNK_BYTES = 64 * 1024


class LongLine(NamedTuple):
    """A line that was too long, and is gone."""

    size_bytes: int


def read_lines(descriptor: int, max_line_bytes: int) -> Iterator[Union[bytes, LongLine]]:
    """Lines without their ends, until the stream ends; what comes after the last `\\n` is no line."""
    line = bytearray()
    # Counts a line beyond the limit, whose bytes are let go as they come.
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
                yield LongLine(skipped_bytes) if skipped_bytes else bytes(line)
                line.clear()
                skipped_bytes = 0
