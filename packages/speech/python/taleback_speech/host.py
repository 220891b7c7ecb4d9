"""One engine, as the manager sees it: the main thread loads it and lets it speak."""

import base64
import threading
from typing import Callable, List, Optional

from .audio import check_sound, write_sound_file
from .engine import Cancellation, Engine, Sound
from .faults import SpeechFault, fault_of
from .process import log_exception
from .protocol import BARE, RAW, Synthesize, bare_success_line, response_line


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
            # The engine may have been unable to stop; its sound is not wanted any more.
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


def answer_with(sound: Sound, request: Synthesize) -> List[bytes]:
    """The parts of the answer, to be sent with nothing between them; a file is written before it is spoken of.

    Raises SpeechFault when the sound cannot be handed over this way.
    """
    address = request.address
    payload = {"type": "audio", "encoding": sound.encoding, "sample_rate": sound.sample_rate}
    if address.version == RAW:
        return [response_line(address, payload, len(sound.data)), sound.data, b"\n"]
    if request.output_path is None:
        payload["audio_base64"] = base64.b64encode(sound.data).decode("ascii")
        return [response_line(address, payload)]
    write_sound_file(sound, request.output_path)
    if address.version == BARE:
        return [bare_success_line(request.output_path)]
    return [response_line(address, dict(payload, encoding="wav", output_path=request.output_path))]
