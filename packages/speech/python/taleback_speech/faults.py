"""What can go wrong, in the words of the protocol."""

from __future__ import annotations

import errno
import re
from typing import Any

#: The codes of the error catalogue in core, which is the original; a test compares the two.
FAULT_CODES = frozenset(
    """
    text_empty text_too_short text_too_long text_encoding_invalid text_not_speakable text_invalid
    language_unsupported script_unsupported request_invalid too_many_stories
    voice_not_found voice_not_allowed voice_profile_missing voice_profile_corrupt voice_profile_format_invalid voice_language_mismatch
    model_unavailable model_loading_failed model_failed audio_missing audio_silent audio_implausible
    gpu_out_of_memory memory_exhausted disk_full machine_overloaded
    storage_upload_failed storage_unavailable
    network_unreachable dns_failed tls_failed callback_undeliverable
    credentials_invalid permission_denied service_account_invalid
    provider_rate_limited provider_quota_exceeded provider_unavailable provider_rejected
    timed_out lease_expired
    circuit_open system_protection synthesis_disabled budget_spent queue_full
    queue_unavailable job_cancelled worker_lost internal unknown
    """.split()
)
#: Longer messages are cut: a library may put a whole tensor into one.
_MAX_MESSAGE_CHARACTERS = 500
_OUT_OF_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
#: torch has a class for it since 1.13, and only words before that and on other accelerators.
_GPU_MEMORY_WORDS = re.compile(r"(cuda|hip|mps backend|cuda error:) out of memory|cublas_status_alloc_failed", re.I)


class SpeechFault(Exception):
    """A failure with a code of the error catalogue.

    `retryable` overrules the catalogue, for a fault that is known to come again, or not to.
    """

    def __init__(self, code: str, message: str, details: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.code = code if code in FAULT_CODES else "unknown"
        self.message = str(message)
        self.details = None if details is None else str(details)
        self.retryable = retryable

    def fields(self) -> dict[str, Any]:
        """The fields of an `error` payload."""
        details = None if self.details is None else _cut(self.details, _MAX_MESSAGE_CHARACTERS)
        message = _cut(self.message, _MAX_MESSAGE_CHARACTERS)
        return present({"code": self.code, "message": message, "details": details, "retryable": self.retryable})


def fault_of(error: BaseException, otherwise: str = "model_failed") -> SpeechFault:
    """The fault behind any exception; `otherwise` is the code of one that says nothing better."""
    if isinstance(error, SpeechFault):
        return error
    said = _first_line(error)
    number = getattr(error, "errno", None)
    if is_gpu_out_of_memory(error):
        return SpeechFault("gpu_out_of_memory", "The model ran out of graphics memory.", said)
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return SpeechFault("memory_exhausted", "The speech process ran out of memory.", said)
    if number in _OUT_OF_SPACE:
        return SpeechFault("disk_full", "There is no space left on the disk.", said)
    return SpeechFault(otherwise, f"The model failed: {said}")


def is_gpu_out_of_memory(error: BaseException) -> bool:
    """True for an accelerator's lack of memory; torch need not be imported."""
    if any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and _GPU_MEMORY_WORDS.search(_first_line(error)) is not None


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def quoted(text: str) -> str:
    """Foreign text within a message: short, and plain ASCII."""
    return ascii(_cut(text, 80))


def _first_line(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {str(error).strip().splitlines()[0]}"
    except Exception:
        return name


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "..."
