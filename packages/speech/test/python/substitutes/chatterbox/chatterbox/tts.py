"""Stand-in for chatterbox.tts of chatterbox-tts 0.1.7. A voice is a loudness: a recording's last byte. No model."""

import json
import sys
from typing import Any, Optional

import torch


class ChatterboxTTS:
    def __init__(self, device: str, conds: Optional[float] = 0.25) -> None:
        self.sr = 24000
        self.device = device
        self.conds = conds

    @classmethod
    def from_pretrained(cls, device: str) -> Any:
        print("stand-in: device %s" % device, file=sys.stderr, flush=True)
        return cls(device)

    def prepare_conditionals(self, wav_fpath: str, exaggeration: float = 0.5) -> None:
        print("loaded PerthNet (Implicit) at step 250,000")
        print("stand-in: prepared %s" % wav_fpath, file=sys.stderr, flush=True)
        with open(wav_fpath, "rb") as file:
            data = file.read()
        if b"torn" in data:
            raise EOFError("no samples in the file")
        self.conds = data[-1] / 256

    def generate(
        self,
        text: str,
        repetition_penalty: float = 1.2,
        min_p: float = 0.05,
        top_p: float = 1.0,
        audio_prompt_path: Optional[str] = None,
        exaggeration: float = 0.5,
        cfg_weight: float = 0.5,
        temperature: float = 0.8,
    ) -> torch.Tensor:
        return self._speak(text, exaggeration=exaggeration, cfg_weight=cfg_weight, temperature=temperature)

    def _speak(self, text: str, **told: Any) -> torch.Tensor:
        if text == "out of memory":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        print("stand-in: %s" % json.dumps(told), file=sys.stderr, flush=True)
        seconds = 40 if text == "cut off" else 0.01
        return torch.Tensor([[self.conds] * int(seconds * self.sr)])
