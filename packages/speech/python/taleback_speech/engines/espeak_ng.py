"""espeak-ng: small, quick, a hundred languages, and plainly a machine."""

import re
import shutil
import subprocess
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional

from ..audio import parse_wav
from ..engine import DEFAULT_VOICE, Cancellation, Engine, Sound
from ..faults import SpeechFault, quoted
from ..protocol import MAX_SOUND_BYTES
from .support import match_language

#: What espeak-ng itself calls its usual rate, in words a minute.
_USUAL_RATE_WPM = 175
_FALLBACK_VOICE = "en-us"
#: More than a WAV file's header ever is, so that sound of exactly the limit passes.
_HEADER_BYTES = 1024
#: Pty, Language, Age/Gender, VoiceName, File, Other Languages; a name has underscores for its spaces.
_ROW = re.compile(r"\s*\d+\s+(\S+)\s+\S+\s+\S+\s+(\S+)")
#: Voices of another program, mbrola: listed whether or not it is there.
_MBROLA = "mb/"
_VARIANT = "!v/"


class EspeakVoices(NamedTuple):
    #: File by language tag, such as `en-us`: what people know these voices by.
    files: Dict[str, str]
    #: Timbres that any voice can be given, as in `en-us+f3`.
    variants: FrozenSet[str]

    def names(self) -> List[str]:
        return list(self.files)

    def file_of(self, voice: str) -> str:
        """What to give to `-v`; never anything that is not in the list, for it would be taken for a path.

        Raises SpeechFault `voice_not_found`; espeak-ng itself would take another variant without a word.
        """
        name, plus, variant = voice.partition("+")
        file = self.files.get(name.lower())
        if file is None or (plus and variant not in self.variants):
            raise SpeechFault("voice_not_found", "espeak-ng has no voice %s." % quoted(voice))
        return file + plus + variant


class EspeakNg(Engine):
    """Runs the program `espeak-ng` once a request. Options: `binary`, its path; `voice`, what `default` stands for."""

    name = "espeak_ng"
    option_names = frozenset({"binary", "voice"})

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._binary = options.get("binary", "espeak-ng")
        self._default_voice = options.get("voice", _FALLBACK_VOICE)
        self._voices = EspeakVoices({}, frozenset())

    @property
    def models(self) -> List[str]:
        return ["espeak-ng"]

    def load(self) -> None:
        found = shutil.which(self._binary)
        if found is None:
            raise SpeechFault(
                "model_loading_failed",
                "The program espeak-ng is not installed. Install it with: apt-get install espeak-ng",
                retryable=False,
            )
        self._binary = found
        self._voices = EspeakVoices(
            parse_voices(self._run("--voices")), parse_variants(self._run("--voices=variant"))
        )
        self._voices.file_of(self._default_voice)

    def voices(self) -> List[str]:
        return [DEFAULT_VOICE] + self._voices.names()

    def synthesize(
        self,
        text: str,
        voice: str,
        speed: float,
        language: Optional[str],
        options: Mapping[str, Any],
        cancelled: Cancellation,
    ) -> Sound:
        """The voice decides the language; `language` chooses the voice when that is `default`."""
        if voice == DEFAULT_VOICE:
            voice = match_language(language, self._voices.names()) if language else self._default_voice
        arguments = ["-v", self._voices.file_of(voice), "-s", str(round(_USUAL_RATE_WPM * speed))]
        data = self._speak(arguments, spoken_form(text), cancelled)
        try:
            samples = parse_wav(data)
        except ValueError as error:
            raise SpeechFault("model_failed", "espeak-ng gave no sound that can be read.", str(error)) from error
        # Punctuation it does not name becomes a pause.
        if not any(samples.data):
            raise SpeechFault("text_not_speakable", "espeak-ng finds nothing to speak in the text.")
        return Sound("pcm_s16le", samples.sample_rate, samples.data)

    def _speak(self, arguments: List[str], text: str, cancelled: Cancellation) -> bytes:
        command = [self._binary, "--stdin", "--stdout", "-b", "1", *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdin is not None and program.stdout is not None
            with cancelled.calling(program.kill):
                # It reads all of its input before it speaks, so writing first cannot lock up.
                try:
                    program.stdin.write(text.encode("utf-8"))
                    program.stdin.close()
                except BrokenPipeError:
                    pass
                data = program.stdout.read(MAX_SOUND_BYTES + _HEADER_BYTES)
                if len(data) == MAX_SOUND_BYTES + _HEADER_BYTES:
                    program.kill()
                    raise SpeechFault("text_too_long", "The text is too long to speak at once.", retryable=False)
                exit_code = program.wait()
        cancelled.raise_if_set()
        if exit_code != 0:
            raise SpeechFault("model_failed", "espeak-ng ended with code %d." % exit_code)
        return data

    def _run(self, argument: str) -> str:
        command = [self._binary, argument]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SpeechFault("model_loading_failed", "espeak-ng does not run.", str(error)) from error
        return done.stdout.decode("utf-8", "replace")


def spoken_form(text: str) -> str:
    """The text as espeak-ng is to read it.

    It stops at a NUL, and takes `[[` for the start of phoneme names.
    """
    plain = "".join(character if character >= " " or character == "\n" else " " for character in text)
    return re.sub(r"\[(?=\[)", "[ ", plain)


def parse_voices(printed: str) -> Dict[str, str]:
    """Of two voices for one tag the first counts, as it does for espeak-ng."""
    files: Dict[str, str] = {}
    for row in filter(None, map(_ROW.match, printed.splitlines())):
        language, file = row.groups()
        if not file.startswith((_MBROLA, _VARIANT)):
            files.setdefault(language.lower(), file)
    return files


def parse_variants(printed: str) -> FrozenSet[str]:
    rows = filter(None, map(_ROW.match, printed.splitlines()))
    return frozenset(row.group(2)[len(_VARIANT) :] for row in rows if row.group(2).startswith(_VARIANT))
