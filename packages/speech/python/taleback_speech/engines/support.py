"""What the engines share: packages, devices, languages."""

import gc
import importlib
import traceback
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Optional

from ..faults import SpeechFault, fault_of, is_gpu_out_of_memory, quoted


def import_package(module_name: str, pip_name: str) -> Any:
    """The module. Raises SpeechFault `model_loading_failed` that says what to install when it is not there."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise SpeechFault(
            "model_loading_failed",
            "A Python package is missing. Install it with: pip install %s" % pip_name,
            str(error),
            retryable=False,
        ) from error


def choose_device(torch: Any, wanted: str) -> str:
    """`wanted`, or the best there is when that is `auto`."""
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    mps = getattr(torch.backends, "mps", None)
    return "mps" if mps is not None and mps.is_available() else "cpu"


@contextmanager
def freeing_gpu_memory(torch: Any) -> Iterator[None]:
    """Raises SpeechFault `gpu_out_of_memory` for a lack of it, after giving back what can be given back.

    Without that the next, smaller request would find the memory as full as this one left it.
    """
    fault: SpeechFault
    try:
        yield
        return
    except Exception as error:
        if not is_gpu_out_of_memory(error):
            raise
        fault = fault_of(error)
        # The frames of the failed call hold its tensors.
        traceback.clear_frames(error.__traceback__)
    gc.collect()
    torch.cuda.empty_cache()
    raise fault


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


def require_words(text: str) -> None:
    """Raises SpeechFault `text_not_speakable` without a letter or digit: such models then make words up."""
    if not any(character.isalnum() for character in text):
        raise SpeechFault("text_not_speakable", "The text holds no letter and no digit.")
