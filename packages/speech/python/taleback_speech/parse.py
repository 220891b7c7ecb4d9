"""From a line of the manager to a message, in every version."""

import json
import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from .engine import DEFAULT_VOICE
from .faults import SpeechFault, quoted
from .protocol import (
    BARE,
    LINES,
    MAX_NAME_CHARACTERS,
    MAX_SPEED,
    MIN_SPEED,
    Address,
    Cancel,
    Hello,
    Message,
    Noise,
    Ping,
    Shutdown,
    Synthesize,
    Unreadable,
    enveloped,
    version_for,
)


def parse_line(line: bytes, spoken: Sequence[str]) -> Message:
    """What `line` says to a child that speaks the versions `spoken`. Never raises."""
    try:
        fields, has_strays = parse_object(line)
    except ValueError:
        return Noise("a line of %d bytes is no JSON object" % len(line))
    stray_fault = invalid("NaN and Infinity are no JSON.") if has_strays else None
    if fields.get("version") is None:
        return _parse_bare(fields, spoken, stray_fault)
    if not enveloped(spoken):
        # What a child that knows nothing newer says to `hello`: the manager then speaks 1.0 without waiting.
        return Unreadable(Address(BARE, None), invalid("This child speaks 1.0 only."))
    return _parse_enveloped(fields, spoken, stray_fault)


def _parse_bare(fields: Dict[str, Any], spoken: Sequence[str], fault: Optional[SpeechFault]) -> Message:
    # Answers of 1.0 are matched by their order: to answer what is no request would shift all that follow.
    if fields.get("type") is None:
        return Noise("an object has neither version nor type")
    address = Address(BARE, None)
    try:
        if BARE not in spoken:
            raise invalid("This child does not speak 1.0.")
        if fault is not None:
            raise fault
        if fields["type"] != "synthesize":
            raise invalid("1.0 knows no request but synthesize.")
        return parse_synthesize(address, fields, text_field(fields, "voice") or DEFAULT_VOICE)
    except SpeechFault as found:
        return Unreadable(address, found)


def _parse_enveloped(fields: Dict[str, Any], spoken: Sequence[str], fault: Optional[SpeechFault]) -> Message:
    kind = fields.get("type")
    if kind in ("response", "event"):
        return Noise("%s came in, which only a child sends" % kind)
    written = fields["version"]
    version = version_for(written, spoken) if isinstance(written, str) else None
    correlation_id = _correlation_id(fields)
    address = Address(version or enveloped(spoken)[0], correlation_id)
    try:
        if version is None:
            raise invalid("This child does not speak that version.")
        if fault is not None:
            raise fault
        payload = fields.get("payload")
        if kind != "request" or not isinstance(payload, dict):
            raise invalid("An envelope needs the type request and an object as its payload.")
        return _parse_payload(address, payload)
    except SpeechFault as found:
        if correlation_id is None:
            return Noise("a request without a correlation id: %s" % found.message)
        return Unreadable(address, found)


def _parse_payload(address: Address, payload: Dict[str, Any]) -> Message:
    kind = payload.get("type")
    if kind == "shutdown":
        return Shutdown()
    if kind == "cancel":
        target = text_field(payload, "correlation_id")
        if target is None:
            raise invalid("cancel needs a correlation_id.")
        return Cancel(target)
    if address.correlation_id is None:
        raise invalid("its answer would have no address.")
    if kind == "ping":
        return Ping(address)
    if kind == "hello":
        offered = payload.get("versions")
        if offered is None:
            return Hello(address, [address.version])
        if not isinstance(offered, list):
            raise invalid("versions must be a list.")
        return Hello(address, offered)
    if kind == "synthesize":
        voice = text_field(payload, "voice")
        if voice is None:
            raise invalid("synthesize needs a voice.")
        return parse_synthesize(address, payload, voice)
    raise invalid("There is no request %s." % (quoted(kind) if isinstance(kind, str) else "without a type"))


def _correlation_id(fields: Dict[str, Any]) -> Optional[str]:
    metadata = fields.get("metadata")
    found = metadata.get("correlationId") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= MAX_NAME_CHARACTERS else None


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


#: Enough for every whole number of the protocol. Python takes quadratic time to read millions of digits.
_MAX_INT_DIGITS = 20


def parse_object(line: bytes) -> Tuple[Dict[str, Any], bool]:
    """The JSON object in `line`, and whether it had a NaN or Infinity (read as null), which JSON has not.

    Bytes that are no UTF-8 become lone surrogates, so that a request with a broken text still shows whose it is.
    Raises ValueError for anything else than one object, however deeply nested.
    """
    strays: List[str] = []
    try:
        value = json.loads(
            line.decode("utf-8", "surrogateescape"), parse_int=_parse_int, parse_constant=strays.append
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value, bool(strays)


def is_well_formed(text: str) -> bool:
    """False for text with lone surrogates, which no encoder and no model takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parse_int(digits: str) -> Union[int, float]:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else float(digits)
