"""What an engine is. To add one, subclass Engine; nothing else of this package needs to be touched."""

from __future__ import annotations

import importlib
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple

from .faults import SpeechFault, quoted
from .process import log_exception

#: The voice of a request that names none; every engine knows it.
DEFAULT_VOICE = "default"
#: What a request asks of its engine beyond the usual: any JSON object.
Options = Mapping[str, Any]
_ENGINES = {"espeak_ng": "EspeakNg", "coqui": "Coqui", "chatterbox": "Chatterbox"}


class Sound(NamedTuple):
    """`encoding` is `pcm_s16le` (mono) or `wav` (16-bit mono PCM); `sample_rate` in Hz."""

    encoding: str
    sample_rate: int
    data: bytes


class Cancellation(threading.Event):
    """Set at most once, by the reading thread, while the engine works on the main thread."""

    def __init__(self) -> None:
        super().__init__()
        self._stop_lock = threading.Lock()
        self._stop: Callable[[], None] | None = None

    def raise_if_set(self) -> None:
        """Raises SpeechFault `job_cancelled` once the job is cancelled; cheap enough for an inner loop."""
        if self.is_set():
            raise SpeechFault("job_cancelled", "The job was cancelled.")

    @contextmanager
    def calling(self, stop: Callable[[], None]) -> Iterator[None]:
        """Within the block a cancellation calls `stop`, on another thread; an earlier one calls it at once.

        `stop` must not block: the thread that calls it answers pings.
        """
        with self._stop_lock:
            self._stop = stop
            if self.is_set():
                stop()
        try:
            yield
        finally:
            with self._stop_lock:
                self._stop = None

    def set(self) -> None:
        with self._stop_lock:
            super().set()
            if self._stop is not None:
                self._stop()


class Engine:
    """Turns text into sound. All of it runs on the main thread, one call at a time.

    Heavy packages are imported in `load`, not at the top of the module: `hello` is answered before that.
    Any exception is answered as an error; SpeechFault says which.
    """

    #: Reported to the manager in `hello`.
    name = "engine"
    #: BCP 47 tags. These three describe an engine of your own before it is loaded, and so does `voices`.
    languages: tuple[str, ...] = ("en",)
    clones_voices = False
    #: Those of `voices` that are the voice of a certain person: closed until an operator shares or assigns them.
    cloned_voices: tuple[str, ...] = ()
    #: Whether `speed` is always 1: the worker stretches the sound for other rates.
    has_one_speed = False
    #: The keys that `--option key=value` may have.
    option_names: frozenset[str] = frozenset()

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises SpeechFault `model_loading_failed` for an option the engine does not know. Loads nothing."""
        for unknown in sorted(set(options) - self.option_names):
            known = ", ".join(sorted(self.option_names)) or "none"
            message = f"{self.name} has no option {quoted(unknown)}; it knows: {known}."
            raise SpeechFault("model_loading_failed", message, retryable=False)
        self.options = options

    @property
    def models(self) -> list[str]:
        """Names of the models it can load, the one that it will load first."""
        return [self.name]

    def load(self) -> None:
        """Makes it ready to speak; may take minutes. Called once."""

    def voices(self) -> list[str]:
        """Names of its voices, the default one first. Of an engine of your own it is asked before `load`."""
        return [DEFAULT_VOICE]

    def synthesize(
        self, text: str, voice: str, speed: float, language: str | None, options: Options, cancelled: Cancellation
    ) -> Sound:
        """Speaks `text` (well-formed Unicode, not blank); `speed` is 0.5 to 2, 1 being the voice's own; `language` a
        BCP 47 tag. An engine that can stop half-way watches `cancelled`; one that cannot just finishes.
        """
        raise NotImplementedError


def create_engine(name: str, options: Mapping[str, str]) -> Engine:
    """The engine called `name`, not yet loaded; `module:Class` is one of your own, found on PYTHONPATH.

    Raises SpeechFault `model_loading_failed` when there is none, or it does not take the options.
    """
    place = f"{__package__}.engines.{name}:{_ENGINES[name]}" if name in _ENGINES else name
    module_name, colon, class_name = place.partition(":")
    if not colon:
        known = ", ".join(sorted(_ENGINES))
        raise _no_engine(f"There is no engine {quoted(name)}; there are {known}, and module:Class.")
    try:
        engine = getattr(importlib.import_module(module_name), class_name)(options)
    except (ImportError, AttributeError, ValueError) as error:
        log_exception(f"the engine {quoted(name)} cannot be imported")
        raise _no_engine(f"The engine {quoted(name)} cannot be imported: {error}") from error
    if not isinstance(engine, Engine):
        raise _no_engine(f"{quoted(name)} is no subclass of taleback_speech.engine.Engine.")
    return engine


def _no_engine(message: str) -> SpeechFault:
    return SpeechFault("model_loading_failed", message, retryable=False)


def match_language(wanted: str, known: Iterable[str]) -> str:
    """The name in `known` for a BCP 47 tag: the same one, else the one of its language alone, else its first region.

    Raises SpeechFault `language_unsupported` when there is none.
    """
    names = list(known)
    tag = wanted.lower()
    language = tag.split("-")[0]
    for matches in (tag.__eq__, language.__eq__, lambda name: name.split("-")[0] == language):
        for name in names:
            if matches(name.lower()):
                return name
    raise SpeechFault("language_unsupported", f"The model does not speak {quoted(wanted)}.")
