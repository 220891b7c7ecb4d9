"""What the engines share that load a model with torch: packages, devices, memory, and recordings of voices."""

from __future__ import annotations

import base64
import gc
import hashlib
import importlib
import os
import re
import tempfile
import traceback
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

from ..audio import pcm_of
from ..engine import Cancellation, Engine, Options, Sound, match_language
from ..faults import SpeechFault, fault_of, is_gpu_out_of_memory

#: How a recording starts, by the ending that models tell formats by.
_FORMATS = {".wav": rb"RIFF....WAVE", ".flac": rb"fLaC", ".ogg": rb"OggS", ".mp3": rb"ID3|\xff[\xe0-\xff]"}
#: Options of a request. At most one of them is given.
_PATH_OPTION = "voice_profile_path"
_BASE64_OPTION = "voice_profile_base64"


class VoiceProfile(NamedTuple):
    """The recording that a cloned voice is taken from."""

    path: str
    #: The same for the same recording, and for no other.
    key: str


class Request(NamedTuple):
    """One text to speak; `speed`, `language` and `options` as in Engine.synthesize."""

    text: str
    voice: str
    speed: float
    language: str | None
    options: Options
    #: Of `options`; it goes before `voice`.
    profile: VoiceProfile | None
    cancelled: Cancellation


class ModelEngine(Engine):
    """Options: `device` (cuda, mps, cpu or auto), and `language`, for models of many languages when a request names
    none. A request's `options` may hold a voice profile, for models that clone.
    """

    #: The module to import, and what installs it.
    module_name = ""
    pip_name = ""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._torch: Any = None
        #: What the model speaks, if it has to be given one.
        self._languages: list[str] = []

    def load(self) -> None:
        module = _import_package(self.module_name, self.pip_name)
        self._torch = _import_package("torch", "torch torchaudio")
        device = self.options.get("device", "auto")
        with self._freeing_gpu_memory():
            self.load_model(module, self._best_device() if device == "auto" else device)

    def load_model(self, module: Any, device: str) -> None:
        """Loads the model, and sets `_languages`."""
        raise NotImplementedError

    def generate(self, request: Request) -> tuple[int, Iterable[float]]:
        """The sample rate in Hz, and samples from -1 to 1."""
        raise NotImplementedError

    def synthesize(
        self, text: str, voice: str, speed: float, language: str | None, options: Options, cancelled: Cancellation
    ) -> Sound:
        # Without a letter or digit such models make words up.
        if not any(character.isalnum() for character in text):
            raise SpeechFault("text_not_speakable", "The text holds no letter and no digit.")
        with _open_voice_profile(options) as profile, self._freeing_gpu_memory():
            request = Request(text, voice, speed, language, options, profile, cancelled)
            sample_rate, samples = self.generate(request)
        return Sound("pcm_s16le", sample_rate, pcm_of(samples))

    def _language(self, wanted: str | None) -> str:
        return match_language(wanted or self.options.get("language", "en"), self._languages)

    def _best_device(self) -> str:
        if self._torch.cuda.is_available():
            return "cuda"
        mps = getattr(self._torch.backends, "mps", None)
        return "mps" if mps is not None and mps.is_available() else "cpu"

    @contextmanager
    def _freeing_gpu_memory(self) -> Iterator[None]:
        """Raises SpeechFault `gpu_out_of_memory` for a lack of it, after giving back what can be given back.

        Without that the next, smaller request would find the memory as full as this one left it.
        """
        try:
            yield
            return
        except Exception as error:
            if not is_gpu_out_of_memory(error):
                raise
            fault = fault_of(error)
            # The frames of the failed call hold its tensors.
            traceback.clear_frames(error.__traceback__)
        gc.collect()
        self._torch.cuda.empty_cache()
        raise fault


def _import_package(module_name: str, pip_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        message = f"A Python package is missing. Install it with: pip install {pip_name}"
        raise SpeechFault("model_loading_failed", message, str(error), retryable=False) from error


@contextmanager
def _open_voice_profile(options: Options) -> Iterator[VoiceProfile | None]:
    """The recording that the options name, as a file while the block runs; None when they name none.

    Raises SpeechFault `voice_profile_missing`, `voice_profile_corrupt`, `voice_profile_format_invalid`, or
    `request_invalid`.
    """
    given = {name: options[name] for name in (_PATH_OPTION, _BASE64_OPTION) if options.get(name) is not None}
    if len(given) == 2:
        raise SpeechFault("request_invalid", f"Give {_PATH_OPTION} or {_BASE64_OPTION}, not both.")
    for name, value in given.items():
        if not isinstance(value, str):
            raise SpeechFault("request_invalid", f"{name} must be a text.")
    if _PATH_OPTION in given:
        yield profile_at(given[_PATH_OPTION])
    elif _BASE64_OPTION in given:
        try:
            data = base64.b64decode(given[_BASE64_OPTION], validate=True)
        except ValueError as error:
            raise SpeechFault("voice_profile_corrupt", "The voice profile is no base64.", str(error)) from error
        with tempfile.TemporaryDirectory(prefix="taleback-voice-") as folder:
            copy = os.path.join(folder, "profile" + _require_format(data[:16]))
            with open(copy, "wb") as file:
                file.write(data)
            yield VoiceProfile(copy, hashlib.sha256(data).hexdigest())
    else:
        yield None


def profile_at(path: str) -> VoiceProfile:
    """The recording in this file. Raises SpeechFault `voice_profile_missing`, or as its format is wrong."""
    try:
        with open(path, "rb") as file:
            _require_format(file.read(16))
            facts = os.fstat(file.fileno())
    except (OSError, ValueError) as error:
        raise SpeechFault("voice_profile_missing", "The voice profile cannot be read.", str(error)) from error
    return VoiceProfile(path, f"{path} {facts.st_mtime_ns} {facts.st_size}")


def _require_format(start: bytes) -> str:
    """The ending for a file that starts so."""
    if not start:
        raise SpeechFault("voice_profile_corrupt", "The voice profile is empty.")
    for ending, pattern in _FORMATS.items():
        if re.match(pattern, start, re.DOTALL):
            return ending
    raise SpeechFault("voice_profile_format_invalid", "The voice profile is no WAV, FLAC, Ogg or MP3.")
