"""The settings of Chatterbox's `generate` that a request may choose."""

import math
from typing import Any, Dict, Mapping

from ..faults import SpeechFault

#: Bounds are those of Resemble AI's own demo: beyond them the model babbles.
_BOUNDS = {
    "exaggeration": (0.25, 2.0),
    "cfg_weight": (0.0, 1.0),
    "temperature": (0.05, 5.0),
    "min_p": (0.0, 1.0),
    "top_p": (0.0, 1.0),
    "repetition_penalty": (1.0, 2.0),
}


def parse_settings(options: Mapping[str, Any]) -> Dict[str, float]:
    """The settings among a request's options. Raises SpeechFault `request_invalid` for one out of bounds."""
    settings: Dict[str, float] = {}
    for name, (lowest, highest) in _BOUNDS.items():
        value = options.get(name)
        if value is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not lowest <= value <= highest:
            raise SpeechFault("request_invalid", "%s must be a number from %s to %s." % (name, lowest, highest))
        settings[name] = float(value)
    return settings
