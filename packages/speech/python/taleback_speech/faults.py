"""What can go wrong, in the words of the protocol."""

import errno
from typing import Dict, Optional, Union

from .fault_codes import FAULT_CODES

#: Longer messages are cut: a library may put a whole tensor into one.
_MAX_MESSAGE_CHARACTERS = 500

_OUT_OF_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}

#: torch says so by class since 1.13, and by words before that and on other accelerators.
_GPU_MEMORY_WORDS = (
    "cuda out of memory",
    "hip out of memory",
    "mps backend out of memory",
    "cublas_status_alloc_failed",
    "cuda error: out of memory",
)


class SpeechFault(Exception):
    """A failure with a code of the error catalogue.

    `retryable` overrules the catalogue, for a fault that is known to come again, or not to.
    """

    def __init__(
        self, code: str, message: str, details: Optional[str] = None, retryable: Optional[bool] = None
    ) -> None:
        super().__init__(message)
        self.code = code if code in FAULT_CODES else "unknown"
        self.message = str(message)
        self.details = None if details is None else str(details)
        self.retryable = retryable

    def fields(self) -> Dict[str, Union[str, bool]]:
        """The fields of an `error` payload."""
        fields: Dict[str, Union[str, bool]] = {"code": self.code, "message": _cut(self.message)}
        if self.details is not None:
            fields["details"] = _cut(self.details)
        if self.retryable is not None:
            fields["retryable"] = self.retryable
        return fields


def fault_of(error: BaseException, otherwise: str = "model_failed") -> SpeechFault:
    """The fault behind any exception; `otherwise` is the code of one that says nothing better."""
    if isinstance(error, SpeechFault):
        return error
    said = _first_line(error)
    if is_gpu_out_of_memory(error):
        return SpeechFault("gpu_out_of_memory", "The model ran out of graphics memory.", said)
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return SpeechFault("memory_exhausted", "The speech process ran out of memory.", said)
    if getattr(error, "errno", None) in _OUT_OF_SPACE:
        return SpeechFault("disk_full", "There is no space left on the disk.", said)
    return SpeechFault(otherwise, "The model failed: %s" % said)


def is_gpu_out_of_memory(error: BaseException) -> bool:
    """True for an accelerator's lack of memory, told without importing torch."""
    if any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    words = _first_line(error).lower() if isinstance(error, RuntimeError) else ""
    return any(sign in words for sign in _GPU_MEMORY_WORDS)


def quoted(text: str) -> str:
    """Somebody else's text within a message: short, and plain ASCII."""
    return ascii(text if len(text) <= 80 else text[:80] + "...")


def _first_line(error: BaseException) -> str:
    name = type(error).__name__
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        return name
    return "%s: %s" % (name, lines[0]) if lines else name


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE_CHARACTERS else text[:_MAX_MESSAGE_CHARACTERS] + "..."
