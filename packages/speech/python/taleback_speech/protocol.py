"""The wire contract: versions, limits, messages, and the lines of each direction.

@see ../../src/protocol/ARCHITECTURE.md
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import time
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Union

from .engine import DEFAULT_VOICE
from .faults import SpeechFault, present, quoted

RAW = "2.1.0"
LINES = "2.0.0"
BARE = "1.0.0"
#: Newest first.
ALL_VERSIONS = (RAW, LINES, BARE)

#: Longest line of either direction, without its end.
MAX_LINE_BYTES = 1 << 20
#: Most sound in one answer: half an hour at 16 kHz, where a request is some sentences.
MAX_SOUND_BYTES = 64 << 20
#: A name longer than this is no name. It keeps an echoed correlation id from making an answer too long a line.
_MAX_NAME_CHARACTERS = 256
_MAX_PATH_CHARACTERS = 4096
#: Rates of speech at which every voice stays understandable; 1 is the voice's own.
_MIN_SPEED, _MAX_SPEED = 0.5, 2.0
#: Enough for every whole number of the protocol. Python takes quadratic time to read millions of digits.
_MAX_INT_DIGITS = 20
#: No encoder and no model takes one.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_VERSION_FORM = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?\Z")


def newest_common(offered: Sequence[Any], spoken: Sequence[str]) -> str | None:
    """The newest version in both lists; None when there is none."""
    return next((version for version in ALL_VERSIONS if version in spoken and version in offered), None)


def enveloped(spoken: Sequence[str]) -> list[str]:
    """Those of `spoken` that have envelopes, newest first."""
    return [version for version in ALL_VERSIONS if version in spoken and version != BARE]


class Address(NamedTuple):
    """Where an answer goes. `correlation_id` is None in 1.0, whose answers are matched by their order."""

    version: str
    correlation_id: str | None


class Synthesize(NamedTuple):
    address: Address
    text: str
    voice: str
    speed: float
    language: str | None
    options: Mapping[str, Any]
    #: None in 2.1, and in 2.0 when the sound is wanted in the line.
    output_path: str | None


class Unreadable(NamedTuple):
    """A request that is answered with what is wrong with it."""

    address: Address
    fault: SpeechFault


class Noise(NamedTuple):
    """No request, or one that cannot be answered for want of a correlation id."""

    reason: str


Hello = NamedTuple("Hello", [("address", Address), ("offered", List[Any])])
Ping = NamedTuple("Ping", [("address", Address)])
Cancel = NamedTuple("Cancel", [("correlation_id", str)])
Shutdown = NamedTuple("Shutdown", [])
Message = Union[Hello, Synthesize, Ping, Cancel, Shutdown, Unreadable, Noise]


def parse_line(line: bytes, spoken: Sequence[str]) -> Message:
    """What `line` says to a child that speaks the versions `spoken`. Never raises."""
    try:
        fields, has_strays = _parse_object(line)
    except ValueError:
        return Noise(f"a line of {len(line)} bytes is no JSON object")
    kind, written = fields.get("type"), fields.get("version")
    if written is None and kind is None:
        # Answers of 1.0 are matched by their order: to answer what is no request would shift all that follow.
        return Noise("an object has neither version nor type")
    if written is not None and not enveloped(spoken):
        # What a child that knows nothing newer says to `hello`: the manager then speaks 1.0 without waiting.
        return Unreadable(Address(BARE, None), _invalid("This child speaks 1.0 only."))
    if written is not None and kind in ("response", "event"):
        return Noise(f"{kind} came in, which only a child sends")
    version = _version_for(written, spoken)
    fallback = BARE if written is None else enveloped(spoken)[0]
    address = Address(version or fallback, None if written is None else _correlation_id(fields))
    try:
        # A newer manager negotiates in a version that may be unknown here.
        if version is None and (written is None or not _is_hello(fields)):
            raise _invalid(f"This child does not speak {'1.0' if written is None else 'that version'}.")
        if has_strays:
            raise _invalid("NaN and Infinity are no JSON.")
        if written is not None:
            return _parse_envelope(address, fields)
        if kind != "synthesize":
            raise _invalid("1.0 knows no request but synthesize.")
        return _parse_synthesize(address, fields, _text_field(fields, "voice") or DEFAULT_VOICE)
    except SpeechFault as fault:
        if written is not None and address.correlation_id is None:
            return Noise(f"a request without a correlation id: {fault.message}")
        return Unreadable(address, fault)


def _is_hello(fields: Mapping[str, Any]) -> bool:
    payload = fields.get("payload")
    return isinstance(payload, dict) and payload.get("type") == "hello"


def _version_for(written: Any, spoken: Sequence[str]) -> str | None:
    """The newest of `spoken` that the sender of a message marked `written` knows; None when it knows none of them.

    A 2.2 would know 2.1 as well; a 3.0 is another protocol.
    """
    if written is None:
        return newest_common([BARE], spoken)
    form = _VERSION_FORM.match(written) if isinstance(written, str) else None
    if form is None or form.group(1) != "2":
        return None
    return newest_common([RAW, LINES] if int(form.group(2)) >= 1 else [LINES], spoken)


def _correlation_id(fields: Mapping[str, Any]) -> str | None:
    metadata = fields.get("metadata")
    found = metadata.get("correlationId") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= _MAX_NAME_CHARACTERS else None


def _parse_envelope(address: Address, fields: Mapping[str, Any]) -> Message:
    payload = fields.get("payload")
    if fields.get("type") != "request" or not isinstance(payload, dict):
        raise _invalid("An envelope needs the type request and an object as its payload.")
    kind = payload.get("type")
    if kind == "shutdown":
        return Shutdown()
    if kind == "cancel":
        return Cancel(_text_field(payload, "correlation_id", needed_by=kind))
    if address.correlation_id is None:
        raise _invalid("its answer would have no address.")
    if kind == "ping":
        return Ping(address)
    if kind == "hello":
        offered = payload.get("versions")
        if not isinstance(offered, (list, type(None))):
            raise _invalid("versions must be a list.")
        return Hello(address, [address.version] if offered is None else offered)
    if kind == "synthesize":
        return _parse_synthesize(address, payload, _text_field(payload, "voice", needed_by=kind))
    raise _invalid(f"There is no request {quoted(kind) if isinstance(kind, str) else 'without a type'}.")


def _parse_synthesize(address: Address, fields: Mapping[str, Any], voice: str) -> Synthesize:
    """Raises SpeechFault: `request_invalid`, or what is wrong with the text."""
    text, speed, options = fields.get("text"), fields.get("speed"), fields.get("options")
    if not isinstance(text, str):
        raise _invalid("text must be a text.")
    if _LONE_SURROGATE.search(text):
        raise SpeechFault("text_encoding_invalid", "The text holds bytes or surrogates that are no characters.")
    # Line breaks and other control characters are no more speakable than spaces.
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise SpeechFault("text_not_speakable", "The text holds nothing that can be spoken.")
    if not isinstance(options, (dict, type(None))):
        raise _invalid("options must be an object.")
    # To 2.1 it is an unknown field, and those are ignored.
    path = None if address.version == RAW else _text_field(fields, "output_path", _MAX_PATH_CHARACTERS)
    if path is None and address.version == BARE:
        raise _invalid("1.0 needs an output_path.")
    language = _text_field(fields, "language")
    return Synthesize(address, text, voice, _parse_speed(speed), language, options or {}, path)


def _parse_speed(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _invalid("speed must be a number.")
    if not _MIN_SPEED <= value <= _MAX_SPEED:
        raise _invalid(f"speed must be {_MIN_SPEED} to {_MAX_SPEED}.")
    return float(value)


def _text_field(
    fields: Mapping[str, Any], name: str, max_characters: int = _MAX_NAME_CHARACTERS, needed_by: str = ""
) -> Any:
    """A short text; None when it is absent or null and not needed. Raises SpeechFault `request_invalid`."""
    value = fields.get(name)
    if value is None and needed_by:
        raise _invalid(f"{needed_by} needs a {name}.")
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= max_characters:
        raise _invalid(f"{name} must be a text of 1 to {max_characters} characters.")
    if _LONE_SURROGATE.search(value) or "\0" in value:
        raise _invalid(f"{name} holds characters that cannot be read.")
    return value


def _invalid(message: str) -> SpeechFault:
    return SpeechFault("request_invalid", message)


def _parse_object(line: bytes) -> tuple[dict[str, Any], bool]:
    """The JSON object in `line`, and whether it had a NaN or Infinity (read as null), which JSON has not.

    Bytes that are no UTF-8 become lone surrogates, so that a request with a broken text still shows whose it is.
    Raises ValueError for anything else than one object, however deeply nested.
    """
    strays: list[str] = []
    text = line.decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text, parse_int=_parse_int, parse_constant=strays.append)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value, bool(strays)


def _parse_int(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else float(digits)


_message_numbers = itertools.count(1)


def response_line(address: Address, payload: Mapping[str, Any], byte_length: int | None = None) -> bytes:
    """A response in an envelope; `byte_length` announces raw bytes after it.

    Raises SpeechFault `text_too_long` when the line is longer than the protocol allows.
    """
    metadata = {"correlationId": address.correlation_id}
    line = _envelope_line(address.version, "response", payload, metadata=metadata, byteLength=byte_length)
    if len(line) > MAX_LINE_BYTES + 1:
        message = "The sound is too long for a line; ask for a file or for less."
        raise SpeechFault("text_too_long", message, retryable=False)
    return line


def event_line(version: str, payload: Mapping[str, Any]) -> bytes:
    return _envelope_line(version, "event", payload)


def error_line(address: Address, fault: SpeechFault) -> bytes:
    """The fault as an answer."""
    fields = fault.fields()
    if address.version != BARE:
        return response_line(address, {"type": "error", **fields})
    return line_of(success=False, error=fields.pop("message"), **fields)


def _envelope_line(version: str, kind: str, payload: Mapping[str, Any], **rest: Any) -> bytes:
    message_id = f"msg-{os.getpid()}-{next(_message_numbers)}"
    timestamp = int(time.time() * 1000)
    return line_of(version=version, messageId=message_id, timestamp=timestamp, type=kind, payload=payload, **rest)


def line_of(**message: Any) -> bytes:
    # Escaped to ASCII: a correlation id may hold lone surrogates, which have no bytes of their own.
    return json.dumps(present(message), ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
