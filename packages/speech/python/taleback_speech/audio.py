"""Sound: checked, as WAV, as a file, and from the floating point of models."""

import errno
import math
import os
import struct
import sys
from array import array
from contextlib import suppress
from typing import Any, Iterable, NamedTuple, Union

from .engine import Sound
from .faults import SpeechFault, fault_of
from .protocol import MAX_SOUND_BYTES

_ENCODINGS = ("pcm_s16le", "wav")


def check_sound(given: Any) -> Sound:
    """The sound, when it is what an engine may give.

    Raises SpeechFault: `audio_missing`, `text_too_long` beyond what an answer may carry, else `model_failed`.
    """
    try:
        encoding, sample_rate, data = given
        sound = Sound(encoding, int(sample_rate), bytes(data))
    except (TypeError, ValueError, OverflowError):
        raise _bad_sound("no (encoding, sample_rate, bytes)") from None
    if sound.encoding not in _ENCODINGS:
        raise _bad_sound("an unknown encoding")
    if sound.sample_rate <= 0:
        raise _bad_sound("a sample rate of %d" % sound.sample_rate)
    if len(sound.data) > MAX_SOUND_BYTES:
        raise SpeechFault("text_too_long", "The text makes more sound than one answer may carry.", retryable=False)
    samples = sound.data
    if sound.encoding == "wav":
        try:
            samples = parse_wav(sound.data).data
        except ValueError as error:
            raise _bad_sound(str(error)) from None
    if not samples:
        raise SpeechFault("audio_missing", "The engine made no sound.")
    if len(samples) % 2:
        raise _bad_sound("half a sample")
    return sound


def _bad_sound(what: str) -> SpeechFault:
    return SpeechFault("model_failed", "The engine gave %s." % what)


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


_BAD_PLACE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EBUSY,
    errno.ELOOP,
}


def write_sound_file(sound: Sound, path: str) -> None:
    """Writes a WAV file that is whole as soon as it has its name.

    Raises SpeechFault `disk_full`, `request_invalid` when no file can be there, else `storage_unavailable`.
    """
    data = sound.data
    if sound.encoding != "wav":
        data = format_wav(Samples(sound.sample_rate, data))
    part_path = path + ".part"
    try:
        try:
            with open(part_path, "wb") as file:
                file.write(data)
            os.replace(part_path, path)
        except BaseException:
            _remove(part_path)
            raise
    except (OSError, ValueError) as error:
        raise _file_fault(error) from error


def _file_fault(error: Union[OSError, ValueError]) -> SpeechFault:
    number = getattr(error, "errno", None)
    if number is None or number in _BAD_PLACE:
        return SpeechFault("request_invalid", "No file can be written at output_path.", str(error))
    return fault_of(error, "storage_unavailable")


def _remove(path: str) -> None:
    with suppress(OSError, ValueError):
        os.unlink(path)


_LOUDEST = 32767


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
