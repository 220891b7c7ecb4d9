"""The WAV files of the protocol: 16-bit mono PCM."""

import struct
from typing import NamedTuple

_PCM = 1
#: 1 mono channel of 2 bytes.
_SAMPLE_BYTES = 2


class Samples(NamedTuple):
    """16-bit little-endian mono samples, and how many of them make a second."""

    sample_rate: int
    data: bytes


def parse_wav(data: bytes) -> Samples:
    """The samples of a WAV file. Raises ValueError when it is not 16-bit mono PCM.

    A program that writes WAV into a pipe cannot know its size and writes a false one: of the data chunk, whatever
    came is what there is.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("no WAV file")
    sample_rate = 0
    position = 12
    while position + 8 <= len(data):
        name = data[position : position + 4]
        size = struct.unpack_from("<I", data, position + 4)[0]
        start = position + 8
        if name == b"fmt ":
            if start + 16 > len(data):
                break
            form, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", data, start)
            if (form, channels, bits) != (_PCM, 1, 16) or sample_rate == 0:
                raise ValueError("not 16-bit mono PCM")
        elif name == b"data":
            if sample_rate == 0:
                break
            # Festival writes the size 0, espeak-ng one near 2 GiB.
            came = data[start : start + size] if size else data[start:]
            return Samples(sample_rate, came[: len(came) // _SAMPLE_BYTES * _SAMPLE_BYTES])
        position = start + size + size % 2
    raise ValueError("a WAV file without its format or its data")


def format_wav(samples: Samples) -> bytes:
    """The samples as a WAV file."""
    rate, data = samples
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        1,
        rate,
        rate * _SAMPLE_BYTES,
        _SAMPLE_BYTES,
        16,
        b"data",
        len(data),
    )
    return header + data
