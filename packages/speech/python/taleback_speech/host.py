"""One engine, as the manager sees it: the main thread loads it and lets it speak."""

import threading
from typing import Callable, List, Optional

from .cancellation import Cancellation
from .check_sound import check_sound
from .deliver import answer_with
from .engine import Engine
from .faults import SpeechFault, fault_of
from .log import log_exception
from .messages import Synthesize


class EngineHost:
    """Written by the main thread; the reading thread looks at its fields for `hello` and `pong`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.models: List[str] = []
        #: The model in memory.
        self.model: Optional[str] = None
        self.jobs_done = 0
        #: Set when name and models are known, or never will be.
        self.is_known = threading.Event()
        self._engine: Optional[Engine] = None

    def load(self, create: Callable[[], Engine]) -> None:
        """Raises SpeechFault when this engine will never speak."""
        try:
            engine = create()
            self.name = engine.name
            self.models = [str(model) for model in engine.models]
            self.is_known.set()
            engine.load()
            self._engine = engine
            self.model = self.models[0] if self.models else None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # Libraries end their process with SystemExit, too.
            log_exception("the engine did not load")
            raise fault_of(error, "model_loading_failed") from None
        finally:
            self.is_known.set()

    def speak(self, request: Synthesize, cancelled: Cancellation) -> List[bytes]:
        """The parts of the answer to the request. Raises SpeechFault when it is to be answered as an error."""
        try:
            if self._engine is None:
                raise SpeechFault("model_unavailable", "The model is not loaded.")
            cancelled.raise_if_set()
            given = self._engine.synthesize(
                request.text, request.voice, request.speed, request.language, request.options, cancelled
            )
            # The engine may have been unable to stop; its sound is wanted by nobody all the same.
            cancelled.raise_if_set()
            parts = answer_with(check_sound(given), request)
        except KeyboardInterrupt:
            raise
        except SpeechFault:
            raise
        except BaseException as error:
            log_exception("a job failed")
            raise fault_of(error) from None
        self.jobs_done += 1
        return parts
