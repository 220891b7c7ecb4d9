"""Which version of the protocol is spoken."""

import re
from typing import Any, List, Optional, Sequence

RAW = "2.1.0"
LINES = "2.0.0"
BARE = "1.0.0"

#: Newest first.
ALL_VERSIONS = (RAW, LINES, BARE)

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
