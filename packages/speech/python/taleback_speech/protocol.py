"""The wire contract: versions, limits, messages, and the lines of a child. @see ../../src/protocol/ARCHITECTURE.md"""

import itertools
import json
import os
import re
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

from .faults import SpeechFault

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
MAX_NAME_CHARACTERS = 256

#: The manager never asks for more at once than `concurrency`; this stops one that went wrong from filling the memory.
MAX_QUEUED_JOBS = 1024

#: Rates of speech at which every voice stays understandable; 1 is the voice's own.
MIN_SPEED = 0.5
MAX_SPEED = 2.0


_FORM = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?\Z")


def newest_common(offered: Sequence[Any], spoken: Sequence[str]) -> Optional[str]:
    """The newest version in both lists; None when there is none."""
    return next((version for version in ALL_VERSIONS if version in spoken and version in offered), None)


def enveloped(spoken: Sequence[str]) -> List[str]:
    """Those of `spoken` that have envelopes, newest first."""
    return [version for version in ALL_VERSIONS if version in spoken and version != BARE]


def version_for(written: str, spoken: Sequence[str]) -> Optional[str]:
    """The version that an envelope marked `written` is answered in: the newest of `spoken` that its sender knows.

    None when the sender knows none of them. A 2.2 would know 2.1 as well; a 3.0 is another protocol.
    """
    form = _FORM.match(written)
    if form is None or form.group(1) != "2":
        return None
    known = (RAW, LINES) if int(form.group(2)) >= 1 else (LINES,)
    return newest_common(known, spoken)


class Address(NamedTuple):
    """Where an answer goes. `correlation_id` is None in 1.0, whose answers are matched by their order."""

    version: str
    correlation_id: Optional[str]


class Hello(NamedTuple):
    address: Address
    offered: List[Any]


class Synthesize(NamedTuple):
    address: Address
    text: str
    voice: str
    speed: float
    language: Optional[str]
    options: Mapping[str, Any]
    #: None in 2.1, and in 2.0 when the sound is wanted in the line.
    output_path: Optional[str]


class Ping(NamedTuple):
    address: Address


class Cancel(NamedTuple):
    correlation_id: str


class Shutdown(NamedTuple):
    pass


class Unreadable(NamedTuple):
    """A request that is answered with what is wrong with it."""

    address: Address
    fault: SpeechFault


class Noise(NamedTuple):
    """No request, or one that cannot be answered for want of a correlation id."""

    reason: str


Message = Union[Hello, Synthesize, Ping, Cancel, Shutdown, Unreadable, Noise]


_message_numbers = itertools.count(1)


def response_line(address: Address, payload: Mapping[str, Any], byte_length: Optional[int] = None) -> bytes:
    """A response in an envelope; `byte_length` announces raw bytes after it.

    Raises SpeechFault `text_too_long` when the line is longer than the protocol allows.
    """
    envelope = _envelope(address.version, "response", payload)
    envelope["metadata"] = {"correlationId": address.correlation_id}
    if byte_length is not None:
        envelope["byteLength"] = byte_length
    line = _line(envelope)
    if len(line) > MAX_LINE_BYTES + 1:
        raise SpeechFault(
            "text_too_long", "The sound is too long for a line; ask for a file or for less.", retryable=False
        )
    return line


def event_line(version: str, payload: Mapping[str, Any]) -> bytes:
    return _line(_envelope(version, "event", payload))


def error_line(address: Address, fault: SpeechFault) -> bytes:
    """The fault as an answer."""
    if address.version != BARE:
        return response_line(address, dict(fault.fields(), type="error"))
    fields = fault.fields()
    answer = {"success": False, "error": fields.pop("message")}
    answer.update(fields)
    return _line(answer)


def bare_success_line(output_path: str) -> bytes:
    return _line({"success": True, "output_path": output_path})


def _envelope(version: str, kind: str, payload: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "version": version,
        "messageId": "msg-%d-%d" % (os.getpid(), next(_message_numbers)),
        "timestamp": int(time.time() * 1000),
        "type": kind,
        "payload": payload,
    }


def _line(message: Mapping[str, Any]) -> bytes:
    # Escaped to ASCII: a correlation id may hold lone surrogates, which have no bytes of their own.
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
