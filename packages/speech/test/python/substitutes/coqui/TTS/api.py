"""Stand-in for TTS.api of coqui-tts 0.27: the same calls and complaints, and a constant for a voice. No model."""

import json
import sys
from typing import Any, List, Optional

import torch

MODELS = {
    "tts_models/en/jenny/jenny": {"speakers": [], "languages": [], "length_scale": 1.0},
    "tts_models/en/vctk/vits": {"speakers": ["ED\n", "p225"], "languages": [], "length_scale": 1.0},
    "tts_models/multilingual/multi-dataset/xtts_v2": {"speakers": ["Ana Florence"], "languages": ["en", "de", "zh-cn"]},
    "tts_models/en/ljspeech/tacotron2-DDC": {"speakers": [], "languages": []},
}


class _Model:
    pass


class _Synthesizer:
    def __init__(self, facts: Any) -> None:
        self.output_sample_rate = 22050
        self.tts_model = _Model()
        if "length_scale" in facts:
            self.tts_model.length_scale = facts["length_scale"]


class TTS:
    def __init__(self, model_name: str = "", *, progress_bar: bool = True, gpu: bool = False) -> None:
        print(" > Downloading model to /somewhere")
        if model_name not in MODELS:
            raise KeyError(model_name)
        self._facts = MODELS[model_name]
        self.synthesizer = _Synthesizer(self._facts)

    def to(self, device: str) -> "TTS":
        print("stand-in: device %s" % device, file=sys.stderr, flush=True)
        return self

    @property
    def is_multi_speaker(self) -> bool:
        return len(self._facts["speakers"]) > 0

    @property
    def speakers(self) -> Optional[List[str]]:
        return self._facts["speakers"] or None

    @property
    def languages(self) -> Optional[List[str]]:
        return self._facts["languages"] or None

    def tts(
        self,
        text: str,
        speaker: Optional[str] = None,
        language: Optional[str] = None,
        speaker_wav: Any = None,
        emotion: Optional[str] = None,
        split_sentences: bool = True,
        **kwargs: Any,
    ) -> List[float]:
        if self.languages and language is None:
            raise ValueError("Model is multi-lingual but no `language` is provided.")
        if not self.languages and language is not None:
            raise ValueError("Model is not multi-lingual but `language` is provided.")
        if not self.is_multi_speaker and speaker is not None:
            raise ValueError("Model is not multi-speaker but `speaker` is provided.")
        if self.is_multi_speaker and speaker is None and speaker_wav is None:
            raise ValueError("Model is multi-speaker but no `speaker` is provided.")
        print(" > Text splitted to sentences.")
        if text == "out of memory":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        if text == "not a number":
            return [0.0, float("nan")]
        scale = getattr(self.synthesizer.tts_model, "length_scale", 1.0)
        told = {"speaker": speaker, "language": language, "speaker_wav": speaker_wav, "scale": scale, **kwargs}
        print("stand-in: %s" % json.dumps(told), file=sys.stderr, flush=True)
        return [0.5, -0.5, 1.5, -1.5, 0.0] * int(100 * scale)
