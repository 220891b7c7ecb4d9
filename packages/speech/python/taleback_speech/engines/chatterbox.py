"""Chatterbox of Resemble AI: natural voices, cloned from some seconds of a recording. Package `chatterbox-tts`."""

from __future__ import annotations

import math
import os
from typing import Any, Iterable, Mapping

from ..engine import DEFAULT_VOICE, Options, match_language
from ..faults import SpeechFault, quoted
from .model_engine import ModelEngine, Request, VoiceProfile, profile_at

#: `generate` makes at most 1,000 tokens, 25 a second, and breaks off there without a word.
_LONGEST_SECONDS = 39.5
_PROFILE_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
#: Bounds are those of Resemble AI's own demo: beyond them the model babbles.
_BOUNDS = {
    "exaggeration": (0.25, 2.0),
    "cfg_weight": (0.0, 1.0),
    "temperature": (0.05, 5.0),
    "min_p": (0.0, 1.0),
    "top_p": (0.0, 1.0),
    "repetition_penalty": (1.0, 2.0),
}
#: Module and class by variant.
_VARIANTS = {
    "english": ("chatterbox.tts", "ChatterboxTTS"),
    "multilingual": ("chatterbox.mtl_tts", "ChatterboxMultilingualTTS"),
}


class Chatterbox(ModelEngine):
    """Options besides those of every model: `variant` (english or multilingual), and `voices`, a folder whose
    recordings are voices by their file names.

    A request's `options` may hold the settings of `generate`, too (_BOUNDS).
    """

    name = "chatterbox"
    option_names = frozenset({"variant", "device", "voices", "language"})
    pip_name = "chatterbox-tts"

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._variant = options.get("variant", "english")
        if self._variant not in _VARIANTS:
            message = f"variant must be one of {', '.join(sorted(_VARIANTS))}."
            raise SpeechFault("model_loading_failed", message, retryable=False)
        self.module_name, self._class_name = _VARIANTS[self._variant]
        self._model: Any = None
        self._own_voice: Any = None
        self._prepared_key: str | None = None
        self._prepared_voice: Any = None

    @property
    def models(self) -> list[str]:
        return [f"chatterbox-{self._variant}"]

    def load_model(self, module: Any, device: str) -> None:
        self._model = getattr(module, self._class_name).from_pretrained(device=device)
        if self._variant == "multilingual":
            self._languages = list(module.SUPPORTED_LANGUAGES)
        # A prepared profile takes its place, and would stay for every request after that.
        self._own_voice = self._model.conds

    def voices(self) -> list[str]:
        folder = self.options.get("voices")
        if folder is None:
            return [DEFAULT_VOICE]
        try:
            files = sorted(os.listdir(folder))
        except OSError as error:
            raise SpeechFault("voice_profile_missing", "The folder of voices cannot be read.", str(error)) from error
        return [DEFAULT_VOICE] + [file.rsplit(".", 1)[0] for file in files if file.endswith(_PROFILE_ENDINGS)]

    def generate(self, request: Request) -> tuple[int, Iterable[float]]:
        if request.speed != 1:
            raise SpeechFault("request_invalid", "Chatterbox has only one speed; cfg_weight changes its pace.")
        arguments: dict[str, Any] = _parse_settings(request.options)
        exaggeration = {name: value for name, value in arguments.items() if name == "exaggeration"}
        if self._languages:
            arguments["language_id"] = self._language(request.language)
        else:
            match_language(request.language or "en", ["en"])
        self._take_voice(request.profile or self._profile_of(request.voice), exaggeration)
        request.cancelled.raise_if_set()
        samples = self._model.generate(request.text, **arguments).squeeze().tolist()
        sample_rate = int(self._model.sr)
        if len(samples) > _LONGEST_SECONDS * sample_rate:
            raise SpeechFault("audio_implausible", "Chatterbox went on talking beyond the text.")
        return sample_rate, samples

    def _profile_of(self, voice: str) -> VoiceProfile | None:
        """The recording of a voice by name; None for the model's own."""
        if voice == DEFAULT_VOICE:
            return None
        # Only names that the listing gives: a path would lead out of the folder.
        if voice in self.voices():
            for ending in _PROFILE_ENDINGS:
                path = os.path.join(self.options["voices"], voice + ending)
                if os.path.exists(path):
                    return profile_at(path)
        raise SpeechFault("voice_not_found", f"There is no voice {quoted(voice)}.")

    def _take_voice(self, profile: VoiceProfile | None, exaggeration: Mapping[str, float]) -> None:
        """Makes the next `generate` speak in this voice.

        The last profile stays prepared, as the sentences of a story share one.
        """
        if profile is None:
            if self._own_voice is None:
                raise SpeechFault("voice_profile_missing", "This model has no voice of its own.")
            self._model.conds = self._own_voice
            return
        if profile.key != self._prepared_key:
            self._prepared_key = None
            try:
                self._model.prepare_conditionals(profile.path, **exaggeration)
            except Exception as error:
                if not _is_about_the_recording(error):
                    raise
                message = "The voice profile cannot be heard."
                raise SpeechFault("voice_profile_corrupt", message, str(error)) from error
            self._prepared_key, self._prepared_voice = profile.key, self._model.conds
        self._model.conds = self._prepared_voice


def _is_about_the_recording(error: Exception) -> bool:
    """A RuntimeError is the model's or the accelerator's, unless the reader of sound files raised it."""
    is_models = isinstance(error, (MemoryError, RuntimeError))
    return type(error).__module__.startswith("soundfile") or not is_models


def _parse_settings(options: Options) -> dict[str, Any]:
    """The settings among a request's options. Raises SpeechFault `request_invalid` for one out of bounds."""
    settings: dict[str, Any] = {}
    for name, (lowest, highest) in _BOUNDS.items():
        value = options.get(name)
        if value is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not lowest <= value <= highest:
            raise SpeechFault("request_invalid", f"{name} must be a number from {lowest} to {highest}.")
        settings[name] = float(value)
    return settings
