"""The recording that a cloned voice is taken from."""

import base64
import binascii
import hashlib
import os
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, NamedTuple, Optional

from .faults import SpeechFault

#: Options of a request. At most one of them is given.
PATH_OPTION = "voice_profile_path"
BASE64_OPTION = "voice_profile_base64"


class VoiceProfile(NamedTuple):
    path: str
    #: The same for the same recording, and for no other.
    key: str


@contextmanager
def open_voice_profile(options: Mapping[str, Any]) -> Iterator[Optional[VoiceProfile]]:
    """The recording that the options name, as a file while the block runs; None when they name none.

    Raises SpeechFault `voice_profile_missing`, `voice_profile_corrupt`, `voice_profile_format_invalid`, or
    `request_invalid`.
    """
    path, text = options.get(PATH_OPTION), options.get(BASE64_OPTION)
    if path is not None and text is not None:
        raise SpeechFault("request_invalid", "Give %s or %s, not both." % (PATH_OPTION, BASE64_OPTION))
    if path is not None:
        yield profile_at(path)
    elif text is not None:
        data = _decode(text)
        with tempfile.TemporaryDirectory(prefix="taleback-voice-") as folder:
            copy = os.path.join(folder, "profile" + _require_format(data[:16]))
            with open(copy, "wb") as file:
                file.write(data)
            yield VoiceProfile(copy, hashlib.sha256(data).hexdigest())
    else:
        yield None


def profile_at(path: Any) -> VoiceProfile:
    """The recording in this file. Raises as `open_voice_profile` does."""
    if not isinstance(path, str):
        raise SpeechFault("request_invalid", "%s must be a text." % PATH_OPTION)
    try:
        with open(path, "rb") as file:
            _require_format(file.read(16))
            facts = os.fstat(file.fileno())
    except (OSError, ValueError) as error:
        raise SpeechFault("voice_profile_missing", "The voice profile cannot be read.", str(error)) from error
    return VoiceProfile(path, "%s %d %d" % (path, facts.st_mtime_ns, facts.st_size))


def _decode(text: Any) -> bytes:
    if not isinstance(text, str):
        raise SpeechFault("request_invalid", "%s must be a text." % BASE64_OPTION)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SpeechFault("voice_profile_corrupt", "The voice profile is no base64.", str(error)) from error


def _require_format(start: bytes) -> str:
    """The ending for a file that starts so; models tell formats by it."""
    if not start:
        raise SpeechFault("voice_profile_corrupt", "The voice profile is empty.")
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return ".wav"
    if start[:4] == b"fLaC":
        return ".flac"
    if start[:4] == b"OggS":
        return ".ogg"
    if start[:3] == b"ID3" or (start[0] == 0xFF and len(start) > 1 and start[1] & 0xE0 == 0xE0):
        return ".mp3"
    raise SpeechFault("voice_profile_format_invalid", "The voice profile is no WAV, FLAC, Ogg or MP3.")
