"""Engines by name."""

import importlib
from typing import Mapping

from .engine import Engine
from .faults import SpeechFault, quoted
from .log import log_exception

_ENGINES = {
    "espeak_ng": "taleback_speech.engines.espeak_ng:EspeakNg",
    "coqui": "taleback_speech.engines.coqui:Coqui",
    "chatterbox": "taleback_speech.engines.chatterbox:Chatterbox",
}


def create_engine(name: str, options: Mapping[str, str]) -> Engine:
    """The engine called `name`, not yet loaded; `module:Class` is anybody's, found on PYTHONPATH.

    Raises SpeechFault `model_loading_failed` when there is none, or it does not take the options.
    """
    place = _ENGINES.get(name, name)
    module_name, colon, class_name = place.partition(":")
    if not colon:
        known = ", ".join(sorted(_ENGINES))
        raise _no_engine("There is no engine %s; there are %s, and module:Class." % (quoted(name), known))
    try:
        engine_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        log_exception("the engine %s cannot be imported" % quoted(name))
        raise _no_engine("The engine %s cannot be imported: %s" % (quoted(name), error)) from error
    engine = engine_class(options)
    if not isinstance(engine, Engine):
        raise _no_engine("%s is no subclass of taleback_speech.engine.Engine." % quoted(name))
    return engine


def _no_engine(message: str) -> SpeechFault:
    return SpeechFault("model_loading_failed", message, retryable=False)
