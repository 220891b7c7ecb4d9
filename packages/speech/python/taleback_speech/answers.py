"""Lines of the child's, in each version."""

import itertools
import json
import os
import time
from typing import Any, Dict, Mapping, Optional

from .faults import SpeechFault
from .limits import MAX_LINE_BYTES
from .messages import Address
from .versions import BARE

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
