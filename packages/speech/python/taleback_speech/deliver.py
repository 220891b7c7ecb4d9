"""Sound as an answer, in each version."""

import base64
from typing import List

from .answers import bare_success_line, response_line
from .engine import Sound
from .messages import Synthesize
from .sound_file import write_sound_file
from .versions import BARE, RAW


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
