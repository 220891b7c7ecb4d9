"""Coqui TTS: many models behind one API.

The package is `coqui-tts`, the living fork, or `TTS`, where it began; both are imported as `TTS.api`.
"""

from __future__ import annotations

import inspect
from typing import Any, Iterable, Mapping

from ..engine import DEFAULT_VOICE
from ..faults import SpeechFault, quoted
from .model_engine import ModelEngine, Request

#: One English voice of good quality, small enough for a processor.
_DEFAULT_MODEL = "tts_models/en/jenny/jenny"


class Coqui(ModelEngine):
    """Options besides those of every model: `model`, a name of its model list."""

    name = "coqui"
    option_names = frozenset({"model", "device", "language"})
    module_name = "TTS.api"
    pip_name = "coqui-tts"

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._model_name = options.get("model", _DEFAULT_MODEL)
        self._tts: Any = None
        self._speakers: list[str] = []
        self._base_length_scale: float | None = None

    @property
    def models(self) -> list[str]:
        return [self._model_name]

    def load_model(self, module: Any, device: str) -> None:
        self._tts = module.TTS(model_name=self._model_name, progress_bar=False).to(device)
        self._speakers = [str(speaker) for speaker in self._tts.speakers or []]
        self._languages = [str(language) for language in self._tts.languages or []]
        self._base_length_scale = getattr(self._tts.synthesizer.tts_model, "length_scale", None)

    def voices(self) -> list[str]:
        # Some speakers of VCTK have a line break in their name; people should not have to type it.
        return [DEFAULT_VOICE] + [speaker.strip() for speaker in self._speakers]

    def generate(self, request: Request) -> tuple[int, Iterable[float]]:
        arguments: dict[str, Any] = self._speed(request.speed)
        # A model of one language must be given none.
        if self._languages:
            arguments["language"] = self._language(request.language)
        if request.profile is None:
            arguments.update(self._speaker(request.voice))
        elif self._tts.is_multi_speaker:
            arguments["speaker_wav"] = request.profile.path
        else:
            raise SpeechFault("request_invalid", f"The model {self._model_name} cannot clone a voice.")
        samples = self._tts.tts(text=request.text, **arguments)
        return int(self._tts.synthesizer.output_sample_rate), samples

    def _speaker(self, voice: str) -> dict[str, str]:
        # A model of one voice has no name for it but its own.
        own_names = (DEFAULT_VOICE, self._model_name, self._model_name.rsplit("/", 1)[-1])
        if not self._speakers and voice in own_names:
            return {}
        for speaker in self._speakers:
            if voice == DEFAULT_VOICE or speaker.strip() == voice.strip():
                return {"speaker": speaker}
        raise SpeechFault("voice_not_found", f"The model {self._model_name} has no voice {quoted(voice)}.")

    def _speed(self, speed: float) -> dict[str, Any]:
        """Each family of models has its own way, and the API none."""
        if self._base_length_scale is not None:
            # VITS and Glow-TTS stretch every sound by this.
            self._tts.synthesizer.tts_model.length_scale = self._base_length_scale / speed
            return {}
        if speed == 1:
            return {}
        # The package TTS has a parameter of this name, and drops what it is given.
        is_dropped = "speed" in inspect.signature(self._tts.tts).parameters
        if "xtts" in self._model_name and not is_dropped:
            return {"speed": speed}
        raise SpeechFault("request_invalid", f"The model {self._model_name} has only one speed.")
