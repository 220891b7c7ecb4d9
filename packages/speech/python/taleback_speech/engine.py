"""What an engine is. To add one, subclass Engine; nothing else of this package needs to be touched."""

from typing import Any, FrozenSet, List, Mapping, NamedTuple, Optional

from .cancellation import Cancellation
from .faults import SpeechFault, quoted

#: The voice of a request that names none; every engine knows it.
DEFAULT_VOICE = "default"


class Sound(NamedTuple):
    """`encoding` is `pcm_s16le` (mono) or `wav` (16-bit mono PCM); `sample_rate` in Hz."""

    encoding: str
    sample_rate: int
    data: bytes


class Engine:
    """Turns text into sound. All of it runs on the main thread, one call at a time.

    Heavy packages are imported in `load`, not at the top of the module: `hello` is answered before that.
    Any exception is answered as an error; SpeechFault says which.
    """

    #: What the manager is told.
    name = "engine"
    #: The keys that `--option key=value` may have.
    option_names: FrozenSet[str] = frozenset()

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises SpeechFault `model_loading_failed` for an option the engine does not know. Loads nothing."""
        unknown = sorted(set(options) - self.option_names)
        if unknown:
            known = ", ".join(sorted(self.option_names)) or "none"
            raise SpeechFault(
                "model_loading_failed",
                "%s has no option %s; it knows: %s." % (self.name, quoted(unknown[0]), known),
                retryable=False,
            )
        self.options = options

    @property
    def models(self) -> List[str]:
        """Names of the models it can load, the one that it will load first."""
        return [self.name]

    def load(self) -> None:
        """Makes it ready to speak; may take minutes. Called once."""

    def voices(self) -> List[str]:
        """Names of its voices, once loaded."""
        return [DEFAULT_VOICE]

    def synthesize(
        self,
        text: str,
        voice: str,
        speed: float,
        language: Optional[str],
        options: Mapping[str, Any],
        cancelled: Cancellation,
    ) -> Sound:
        """Speaks `text` (well-formed Unicode, not blank).

        `speed` is 0.5 to 2, 1 being the voice's own; `language` a BCP 47 tag; `options` whatever JSON object the
        request had. An engine that can stop half-way watches `cancelled`; one that cannot just finishes.
        """
        raise NotImplementedError
