"""Understands one line of the manager's, in whatever version."""

from typing import Any, Dict, Optional, Sequence

from .engine import DEFAULT_VOICE
from .faults import SpeechFault, quoted
from .limits import MAX_NAME_CHARACTERS
from .messages import Address, Cancel, Hello, Message, Noise, Ping, Shutdown, Unreadable
from .parse_synthesize import invalid, parse_synthesize, text_field
from .strict_json import parse_object
from .versions import BARE, enveloped, version_for


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
        raise invalid("its answer would reach nobody.")
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
