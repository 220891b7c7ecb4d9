"""What engines that run on torch have in common."""

import gc
import traceback
from contextlib import contextmanager
from typing import Any, Iterator

from .faults import SpeechFault, fault_of, is_gpu_out_of_memory


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
