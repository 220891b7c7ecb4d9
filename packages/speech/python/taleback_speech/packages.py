"""Packages that only one engine needs."""

import importlib
from typing import Any

from .faults import SpeechFault


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
