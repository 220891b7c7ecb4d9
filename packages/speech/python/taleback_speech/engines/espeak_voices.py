"""The voices of an installed espeak-ng, read from what it prints about them."""

import re
from typing import Dict, FrozenSet, List, NamedTuple

from ..faults import SpeechFault, quoted

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
