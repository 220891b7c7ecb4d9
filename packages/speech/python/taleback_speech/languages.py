"""Languages of a request, in the names of an engine."""

from typing import Iterable, Optional

from .faults import SpeechFault, quoted


def match_language(wanted: str, known: Iterable[str]) -> str:
    """The name in `known` for a BCP 47 tag: the same one, else the one of its language alone, else its first region.

    Raises SpeechFault `language_unsupported` when there is none.
    """
    names = list(known)
    tag = wanted.lower()
    language = tag.split("-")[0]
    found: Optional[str] = (
        next((name for name in names if name.lower() == tag), None)
        or next((name for name in names if name.lower() == language), None)
        or next((name for name in names if name.lower().split("-")[0] == language), None)
    )
    if found is None:
        raise SpeechFault("language_unsupported", "The model does not speak %s." % quoted(wanted))
    return found
