"""What an engine gave is looked at before it is called sound."""

from typing import Any

from .engine import Sound
from .faults import SpeechFault
from .limits import MAX_SOUND_BYTES
from .wav import parse_wav

_ENCODINGS = ("pcm_s16le", "wav")


def check_sound(given: Any) -> Sound:
    """The sound, when it is what an engine may give.

    Raises SpeechFault: `audio_missing`, `text_too_long` beyond what an answer may carry, else `model_failed`.
    """
    try:
        encoding, sample_rate, data = given
        sound = Sound(encoding, int(sample_rate), bytes(data))
    except (TypeError, ValueError, OverflowError):
        raise _bad("no (encoding, sample_rate, bytes)") from None
    if sound.encoding not in _ENCODINGS:
        raise _bad("an unknown encoding")
    if sound.sample_rate <= 0:
        raise _bad("a sample rate of %d" % sound.sample_rate)
    if len(sound.data) > MAX_SOUND_BYTES:
        raise SpeechFault("text_too_long", "The text makes more sound than one answer may carry.", retryable=False)
    samples = sound.data
    if sound.encoding == "wav":
        try:
            samples = parse_wav(sound.data).data
        except ValueError as error:
            raise _bad(str(error)) from None
    if not samples:
        raise SpeechFault("audio_missing", "The engine made no sound.")
    if len(samples) % 2:
        raise _bad("half a sample")
    return sound


def _bad(what: str) -> SpeechFault:
    return SpeechFault("model_failed", "The engine gave %s." % what)
