"""Chatterbox of Resemble AI: natural voices, cloned from some seconds of a recording. Package `chatterbox-tts`."""

import math
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ..audio import pcm_of
from ..engine import DEFAULT_VOICE, Cancellation, Engine, Sound
from ..faults import SpeechFault, quoted
from ..voice_profile import VoiceProfile, open_voice_profile, profile_at
from .support import choose_device, freeing_gpu_memory, import_package, match_language, require_words

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


class _Variant(NamedTuple):
    module: str
    class_name: str
    is_multilingual: bool


_VARIANTS = {
    "english": _Variant("chatterbox.tts", "ChatterboxTTS", False),
    "multilingual": _Variant("chatterbox.mtl_tts", "ChatterboxMultilingualTTS", True),
}


class Chatterbox(Engine):
    """Options: `variant` (english or multilingual), `device` (cuda, mps, cpu or auto), `voices`, a folder whose
    recordings are voices by their file names, and `language`, for requests that name none.

    A request's `options` may hold a voice profile (voice_profile.py), which then goes before `voice`, and the
    settings of `generate` (parse_settings).
    """

    name = "chatterbox"
    option_names = frozenset({"variant", "device", "voices", "language"})

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._variant_name = options.get("variant", "english")
        if self._variant_name not in _VARIANTS:
            known = ", ".join(sorted(_VARIANTS))
            raise SpeechFault("model_loading_failed", "variant must be one of %s." % known, retryable=False)
        self._variant = _VARIANTS[self._variant_name]
        self._torch: Any = None
        self._model: Any = None
        self._languages: List[str] = []
        self._own_voice: Any = None
        self._prepared_key: Optional[str] = None
        self._prepared_voice: Any = None

    @property
    def models(self) -> List[str]:
        return ["chatterbox-%s" % self._variant_name]

    def load(self) -> None:
        module = import_package(self._variant.module, "chatterbox-tts")
        self._torch = import_package("torch", "torch torchaudio")
        device = choose_device(self._torch, self.options.get("device", "auto"))
        with freeing_gpu_memory(self._torch):
            self._model = getattr(module, self._variant.class_name).from_pretrained(device=device)
        if self._variant.is_multilingual:
            self._languages = list(module.SUPPORTED_LANGUAGES)
        # A prepared profile takes its place, and would stay for every request after that.
        self._own_voice = self._model.conds

    def voices(self) -> List[str]:
        folder = self.options.get("voices")
        if folder is None:
            return [DEFAULT_VOICE]
        try:
            files = sorted(os.listdir(folder))
        except OSError as error:
            raise SpeechFault("voice_profile_missing", "The folder of voices cannot be read.", str(error)) from error
        return [DEFAULT_VOICE] + [file.rsplit(".", 1)[0] for file in files if file.endswith(_PROFILE_ENDINGS)]

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
        if speed != 1:
            raise SpeechFault("request_invalid", "Chatterbox has only one speed; cfg_weight changes its pace.")
        settings = parse_settings(options)
        arguments: Dict[str, Any] = dict(settings, **self._language(language))
        with open_voice_profile(options) as given, freeing_gpu_memory(self._torch):
            profile = given or self._profile_of(voice)
            self._take_voice(profile, settings)
            cancelled.raise_if_set()
            samples = self._model.generate(text, **arguments)
        sample_rate = int(self._model.sr)
        values = samples.squeeze().tolist()
        if len(values) > _LONGEST_SECONDS * sample_rate:
            raise SpeechFault("audio_implausible", "Chatterbox went on talking beyond the text.")
        return Sound("pcm_s16le", sample_rate, pcm_of(values))

    def _language(self, wanted: Optional[str]) -> Dict[str, str]:
        if not self._variant.is_multilingual:
            match_language(wanted or "en", ["en"])
            return {}
        return {"language_id": match_language(wanted or self.options.get("language", "en"), self._languages)}

    def _profile_of(self, voice: str) -> Optional[VoiceProfile]:
        """The recording of a voice by name; None for the model's own."""
        if voice == DEFAULT_VOICE:
            return None
        folder = self.options.get("voices", "")
        # Only names that the listing gives: a path would lead out of the folder.
        if voice in self.voices():
            for ending in _PROFILE_ENDINGS:
                path = os.path.join(folder, voice + ending)
                if os.path.exists(path):
                    return profile_at(path)
        raise SpeechFault("voice_not_found", "There is no voice %s." % quoted(voice))

    def _take_voice(self, profile: Optional[VoiceProfile], settings: Mapping[str, float]) -> None:
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
            self._prepare(profile, settings)
            self._prepared_key, self._prepared_voice = profile.key, self._model.conds
        self._model.conds = self._prepared_voice

    def _prepare(self, profile: VoiceProfile, settings: Mapping[str, float]) -> None:
        exaggeration = {name: settings[name] for name in ("exaggeration",) if name in settings}
        try:
            self._model.prepare_conditionals(profile.path, **exaggeration)
        except Exception as error:
            if not _is_about_the_recording(error):
                raise
            raise SpeechFault("voice_profile_corrupt", "The voice profile cannot be heard.", str(error)) from error


def _is_about_the_recording(error: Exception) -> bool:
    """A RuntimeError is the model's or the accelerator's, unless the reader of sound files raised it."""
    if type(error).__module__.startswith("soundfile"):
        return True
    return not isinstance(error, (MemoryError, RuntimeError))


def parse_settings(options: Mapping[str, Any]) -> Dict[str, float]:
    """The settings among a request's options. Raises SpeechFault `request_invalid` for one out of bounds."""
    settings: Dict[str, float] = {}
    for name, (lowest, highest) in _BOUNDS.items():
        value = options.get(name)
        if value is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not lowest <= value <= highest:
            raise SpeechFault("request_invalid", "%s must be a number from %s to %s." % (name, lowest, highest))
        settings[name] = float(value)
    return settings
