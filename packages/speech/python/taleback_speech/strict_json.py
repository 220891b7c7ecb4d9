"""JSON from outside, with what Python's reader would let through or choke on."""

import json
from typing import Any, Dict, List, Tuple, Union

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
