"""Sound of models, which is floating point."""

import math
import sys
from array import array
from typing import Any, Iterable

from .faults import SpeechFault

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
