"""Sound: checked, as WAV, as a file, and from the floating point of models."""

from __future__ import annotations

import errno
import math
import os
import struct
import sys
from array import array
from contextlib import suppress
from typing import Any, Iterable

from .engine import Sound
from .faults import SpeechFault, fault_of
from .protocol import MAX_SOUND_BYTES

_PCM = 1
#: 1 mono channel of 2 bytes.
_SAMPLE_BYTES = 2
_LOUDEST = 32767
_BAD_PLACE = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, ValueError)
_BAD_PLACE_NUMBERS = {None, errno.ENAMETOOLONG, errno.EROFS, errno.EBUSY, errno.ELOOP}


def check_sound(given: Any) -> Sound:
    """The sound, when it is what an engine may give.

    Raises SpeechFault: `audio_missing`, `text_too_long` beyond what an answer may carry, else `model_failed`.
    """
    try:
        encoding, sample_rate, data = given
        sound = Sound(encoding, int(sample_rate), bytes(data))
    except (TypeError, ValueError, OverflowError):
        raise _bad_sound("no (encoding, sample_rate, bytes)") from None
    if sound.encoding not in ("pcm_s16le", "wav"):
        raise _bad_sound("an unknown encoding")
    if sound.sample_rate <= 0:
        raise _bad_sound(f"a sample rate of {sound.sample_rate}")
    if len(sound.data) > MAX_SOUND_BYTES:
        raise SpeechFault("text_too_long", "The text makes more sound than one answer may carry.", retryable=False)
    try:
        samples = parse_wav(sound.data).data if sound.encoding == "wav" else sound.data
    except ValueError as error:
        raise _bad_sound(str(error)) from None
    if not samples:
        raise SpeechFault("audio_missing", "The engine made no sound.")
    if len(samples) % _SAMPLE_BYTES:
        raise _bad_sound("half a sample")
    return sound


def _bad_sound(what: str) -> SpeechFault:
    return SpeechFault("model_failed", f"The engine gave {what}.")


def parse_wav(data: bytes) -> Sound:
    """The samples of a WAV file, as `pcm_s16le`. Raises ValueError when it is not 16-bit mono PCM.

    By hand, as the module `wave` believes the sizes: a program that writes into a pipe cannot know them and writes
    false ones. Of the data chunk, whatever came is what there is.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("no WAV file")
    sample_rate, position = 0, 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        start = position + 8
        if name == b"fmt " and start + 16 <= len(data):
            form, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", data, start)
            if (form, channels, bits) != (_PCM, 1, 16) or sample_rate == 0:
                raise ValueError("not 16-bit mono PCM")
        elif name == b"data" and sample_rate > 0:
            # Festival writes the size 0, espeak-ng one near 2 GiB.
            came = data[start : start + size] if size else data[start:]
            return Sound("pcm_s16le", sample_rate, came[: len(came) // _SAMPLE_BYTES * _SAMPLE_BYTES])
        position = start + size + size % 2
    raise ValueError("a WAV file without its format or its data")


def format_wav(sound: Sound) -> bytes:
    """The sound as a WAV file."""
    _, rate, data = sound
    if sound.encoding == "wav":
        return data
    numbers = 16, _PCM, 1, rate, rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 16
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", *numbers, b"data", len(data))
    return header + data


def write_sound_file(sound: Sound, path: str) -> None:
    """Writes a WAV file that is whole as soon as it has its name.

    Raises SpeechFault `disk_full`, `request_invalid` when no file can be there, else `storage_unavailable`.
    """
    part_path = path + ".part"
    try:
        with open(part_path, "wb") as file:
            file.write(format_wav(sound))
        os.replace(part_path, path)
    except BaseException as error:
        with suppress(OSError, ValueError):
            os.unlink(part_path)
        if not isinstance(error, (OSError, ValueError)):
            raise
        if isinstance(error, _BAD_PLACE) or error.errno in _BAD_PLACE_NUMBERS:
            raise SpeechFault("request_invalid", "No file can be written at output_path.", str(error)) from error
        raise fault_of(error, "storage_unavailable") from error


def pcm_of(samples: Iterable[Any]) -> bytes:
    """pcm_s16le of numbers from -1 to 1; louder ones are clipped.

    Raises SpeechFault `model_failed` when one is NaN or infinite: the model has come apart.
    """
    values = array("d", samples)
    if not all(map(math.isfinite, values)):
        raise SpeechFault("model_failed", "The model gave samples that are no numbers.")
    pcm = array("h", (round(max(-1.0, min(1.0, value)) * _LOUDEST) for value in values))
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm.tobytes()
