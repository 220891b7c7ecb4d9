"""espeak-ng: small, quick, a hundred languages, and plainly a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from typing import Mapping

from ..audio import parse_wav
from ..engine import DEFAULT_VOICE, Cancellation, Engine, Options, Sound, match_language
from ..faults import SpeechFault, quoted
from ..protocol import MAX_SOUND_BYTES

#: What espeak-ng itself calls its usual rate, in words a minute.
_USUAL_RATE_WPM = 175
_FALLBACK_VOICE = "en-us"
#: More than a WAV file's header ever is, so that sound of exactly the limit passes.
_HEADER_BYTES = 1024
#: Pty, Language, Age/Gender, VoiceName, File, Other Languages; a name has underscores for its spaces.
_ROW = re.compile(r"^\s*\d+\s+(\S+)\s+\S+\s+\S+\s+(\S+)", re.MULTILINE)
#: Voices of another program, mbrola: listed whether or not it is there.
_MBROLA = "mb/"
_VARIANT = "!v/"


class EspeakNg(Engine):
    """Runs the program `espeak-ng` once a request. Options: `binary`, its path; `voice`, what `default` stands for."""

    name = "espeak_ng"
    option_names = frozenset({"binary", "voice"})

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._binary = options.get("binary", "espeak-ng")
        self._default_voice = options.get("voice", _FALLBACK_VOICE)
        #: File by language tag, such as `en-us`: what people know these voices by.
        self._files: dict[str, str] = {}
        #: Timbres that any voice can be given, as in `en-us+f3`.
        self._variants: set[str] = set()

    @property
    def models(self) -> list[str]:
        return ["espeak-ng"]

    def load(self) -> None:
        found = shutil.which(self._binary)
        if found is None:
            message = "The program espeak-ng is not installed. Install it with: apt-get install espeak-ng"
            raise SpeechFault("model_loading_failed", message, retryable=False)
        self._binary = found
        for language, file in self._list("--voices"):
            # Of two voices for one tag the first counts, as it does for espeak-ng.
            if not file.startswith((_MBROLA, _VARIANT)):
                self._files.setdefault(language.lower(), file)
        variants = [file for _, file in self._list("--voices=variant")]
        self._variants = {file[len(_VARIANT) :] for file in variants if file.startswith(_VARIANT)}
        self._file_of(self._default_voice)

    def voices(self) -> list[str]:
        return [DEFAULT_VOICE, *self._files]

    def synthesize(
        self, text: str, voice: str, speed: float, language: str | None, options: Options, cancelled: Cancellation
    ) -> Sound:
        """The voice decides the language; `language` chooses the voice when that is `default`."""
        if voice == DEFAULT_VOICE:
            voice = match_language(language, self._files) if language else self._default_voice
        arguments = ["-v", self._file_of(voice), "-s", str(round(_USUAL_RATE_WPM * speed))]
        data = self._speak(arguments, _spoken_form(text), cancelled)
        try:
            sound = parse_wav(data)
        except ValueError as error:
            raise SpeechFault("model_failed", "espeak-ng gave no sound that can be read.", str(error)) from error
        # Punctuation it does not name becomes a pause.
        if not any(sound.data):
            raise SpeechFault("text_not_speakable", "espeak-ng finds nothing to speak in the text.")
        return sound

    def _file_of(self, voice: str) -> str:
        """What to give to `-v`; never anything that is not in the list, for it would be taken for a path.

        Raises SpeechFault `voice_not_found`; espeak-ng itself would take another variant without a word.
        """
        name, plus, variant = voice.partition("+")
        file = self._files.get(name.lower())
        if file is None or (plus and variant not in self._variants):
            raise SpeechFault("voice_not_found", f"espeak-ng has no voice {quoted(voice)}.")
        return file + plus + variant

    def _speak(self, arguments: list[str], text: str, cancelled: Cancellation) -> bytes:
        command = [self._binary, "--stdin", "--stdout", "-b", "1", *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdin is not None and program.stdout is not None
            with cancelled.calling(program.kill):
                # It reads all of its input before it speaks, so writing first cannot lock up.
                with suppress(BrokenPipeError):
                    program.stdin.write(text.encode("utf-8"))
                    program.stdin.close()
                data = program.stdout.read(MAX_SOUND_BYTES + _HEADER_BYTES)
                if len(data) == MAX_SOUND_BYTES + _HEADER_BYTES:
                    program.kill()
                    raise SpeechFault("text_too_long", "The text is too long to speak at once.", retryable=False)
                exit_code = program.wait()
        cancelled.raise_if_set()
        if exit_code != 0:
            raise SpeechFault("model_failed", f"espeak-ng ended with code {exit_code}.")
        return data

    def _list(self, argument: str) -> list[tuple[str, str]]:
        """Language and file of each voice that it prints."""
        command = [self._binary, argument]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SpeechFault("model_loading_failed", "espeak-ng does not run.", str(error)) from error
        return _ROW.findall(done.stdout.decode("utf-8", "replace"))


def _spoken_form(text: str) -> str:
    """The text as espeak-ng is to read it: it stops at a NUL, and takes `[[` for the start of phoneme names."""
    plain = "".join(character if character >= " " or character == "\n" else " " for character in text)
    return re.sub(r"\[(?=\[)", "[ ", plain)
