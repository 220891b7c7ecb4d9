"""Sound in a file, for 1.0 and 2.0."""

import errno
import os
from contextlib import suppress
from typing import Union

from .engine import Sound
from .faults import SpeechFault, fault_of
from .wav import Samples, format_wav

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
        raise _fault(error) from error


def _fault(error: Union[OSError, ValueError]) -> SpeechFault:
    number = getattr(error, "errno", None)
    if number is None or number in _BAD_PLACE:
        return SpeechFault("request_invalid", "No file can be written at output_path.", str(error))
    return fault_of(error, "storage_unavailable")


def _remove(path: str) -> None:
    with suppress(OSError, ValueError):
        os.unlink(path)
