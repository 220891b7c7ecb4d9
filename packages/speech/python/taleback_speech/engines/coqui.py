"""Coqui TTS: many models behind one API.

The package is `coqui-tts`, the living fork, or `TTS`, where it began; both are imported as `TTS.api`.
"""

import inspect
from typing import Any, Dict, List, Mapping, Optional

from ..audio import pcm_of
from ..engine import DEFAULT_VOICE, Cancellation, Engine, Sound
from ..faults import SpeechFault, quoted
from ..voice_profile import open_voice_profile
from .support import choose_device, freeing_gpu_memory, import_package, match_language, require_words

#: One English voice of good quality, small enough for a processor.
_DEFAULT_MODEL = "tts_models/en/jenny/jenny"


class Coqui(Engine):
    """Options: `model`, a name of its model list; `device` (cuda, mps, cpu or auto); `language`, for models of many
    languages when a request names none.

    A request's `options` may hold a voice profile, for models that clone. @see voice_profile.py
    """

    name = "coqui"
    option_names = frozenset({"model", "device", "language"})

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._model_name = options.get("model", _DEFAULT_MODEL)
        self._torch: Any = None
        self._tts: Any = None
        self._speakers: List[str] = []
        self._languages: List[str] = []
        self._base_length_scale: Optional[float] = None

    @property
    def models(self) -> List[str]:
        return [self._model_name]

    def load(self) -> None:
        api = import_package("TTS.api", "coqui-tts")
        self._torch = import_package("torch", "torch torchaudio")
        device = choose_device(self._torch, self.options.get("device", "auto"))
        with freeing_gpu_memory(self._torch):
            self._tts = api.TTS(model_name=self._model_name, progress_bar=False).to(device)
        # Some speakers of VCTK have a line break in their name; people should not have to type it.
        self._speakers = [str(speaker) for speaker in self._tts.speakers or []]
        self._languages = [str(language) for language in self._tts.languages or []]
        self._base_length_scale = getattr(self._tts.synthesizer.tts_model, "length_scale", None)

    def voices(self) -> List[str]:
        return [DEFAULT_VOICE] + [speaker.strip() for speaker in self._speakers]

    def synthesize(
        self,
        text: str,
        voice: str,
        speed: float,
        language: Optional[str],
        options: Mapping[str, Any],
        cancelled: Cancellation,
    ) -> Sound:
        require_words(text)
        arguments: Dict[str, Any] = dict(self._language(language), **self._speed(speed))
        with open_voice_profile(options) as profile, freeing_gpu_memory(self._torch):
            if profile is None:
                arguments.update(self._speaker(voice))
            elif self._tts.is_multi_speaker:
                arguments["speaker_wav"] = profile.path
            else:
                raise SpeechFault("request_invalid", "The model %s cannot clone a voice." % self._model_name)
            samples = self._tts.tts(text=text, **arguments)
        return Sound("pcm_s16le", int(self._tts.synthesizer.output_sample_rate), pcm_of(samples))

    def _speaker(self, voice: str) -> Dict[str, str]:
        if not self._speakers:
            # A model of one voice has no name for it but its own.
            if voice in (DEFAULT_VOICE, self._model_name, self._model_name.rsplit("/", 1)[-1]):
                return {}
        elif voice == DEFAULT_VOICE:
            return {"speaker": self._speakers[0]}
        for speaker in self._speakers:
            if speaker.strip() == voice.strip():
                return {"speaker": speaker}
        raise SpeechFault("voice_not_found", "The model %s has no voice %s." % (self._model_name, quoted(voice)))

    def _language(self, wanted: Optional[str]) -> Dict[str, str]:
        """A model of one language must be given none."""
        if not self._languages:
            return {}
        return {"language": match_language(wanted or self.options.get("language", "en"), self._languages)}

    def _speed(self, speed: float) -> Dict[str, float]:
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
        raise SpeechFault("request_invalid", "The model %s has only one speed." % self._model_name)
