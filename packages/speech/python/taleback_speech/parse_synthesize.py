"""The fields of a `synthesize`, the same in every version."""

import math
from typing import Any, Dict, Optional

from .faults import SpeechFault
from .limits import MAX_NAME_CHARACTERS, MAX_SPEED, MIN_SPEED
from .messages import Address, Synthesize
from .strict_json import is_well_formed
from .versions import BARE, LINES

_MAX_PATH_CHARACTERS = 4096


def parse_synthesize(address: Address, fields: Dict[str, Any], voice: str) -> Synthesize:
    """Raises SpeechFault: `request_invalid`, or what is wrong with the text."""
    return Synthesize(
        address=address,
        text=_parse_text(fields.get("text")),
        voice=voice,
        speed=_parse_speed(fields.get("speed")),
        language=text_field(fields, "language"),
        options=_parse_options(fields.get("options")),
        output_path=_parse_output_path(address.version, fields),
    )


def text_field(fields: Dict[str, Any], name: str, max_characters: int = MAX_NAME_CHARACTERS) -> Optional[str]:
    """A short text; None when it is absent or null. Raises SpeechFault `request_invalid`."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= max_characters:
        raise invalid("%s must be a text of 1 to %d characters." % (name, max_characters))
    if not is_well_formed(value) or "\0" in value:
        raise invalid("%s holds characters that cannot be read." % name)
    return value


def invalid(message: str) -> SpeechFault:
    return SpeechFault("request_invalid", message)


def _parse_text(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("text must be a text.")
    if not is_well_formed(value):
        raise SpeechFault("text_encoding_invalid", "The text holds bytes or surrogates that are no characters.")
    # Line breaks and other control characters are no more speakable than spaces.
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise SpeechFault("text_not_speakable", "The text holds nothing that can be spoken.")
    return value


def _parse_speed(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise invalid("speed must be a number.")
    if not MIN_SPEED <= value <= MAX_SPEED:
        raise invalid("speed must be %s to %s." % (MIN_SPEED, MAX_SPEED))
    return float(value)


def _parse_options(value: Any) -> Dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("options must be an object.")
    return value


def _parse_output_path(version: str, fields: Dict[str, Any]) -> Optional[str]:
    # To 2.1 it is an unknown field, and those are ignored.
    if version not in (BARE, LINES):
        return None
    path = text_field(fields, "output_path", _MAX_PATH_CHARACTERS)
    if path is None and version == BARE:
        raise invalid("1.0 needs an output_path.")
    return path
