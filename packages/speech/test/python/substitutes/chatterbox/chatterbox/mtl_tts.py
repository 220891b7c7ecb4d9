"""Stand-in for chatterbox.mtl_tts of chatterbox-tts 0.1.7. No model."""

from typing import Any, Optional

import torch

from .tts import ChatterboxTTS

SUPPORTED_LANGUAGES = {"de": "German", "en": "English", "fr": "French"}


class ChatterboxMultilingualTTS(ChatterboxTTS):
    def generate(  # type: ignore[override]
        self,
        text: str,
        language_id: str,
        audio_prompt_path: Optional[str] = None,
        exaggeration: float = 0.5,
        cfg_weight: float = 0.5,
        temperature: float = 0.8,
        **settings: Any,
    ) -> torch.Tensor:
        return self._speak(text, language_id=language_id, cfg_weight=cfg_weight)
