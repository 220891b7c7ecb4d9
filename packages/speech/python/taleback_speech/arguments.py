"""The command line."""

import argparse
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from .versions import ALL_VERSIONS


class Arguments(NamedTuple):
    engine: str
    options: Dict[str, str]
    #: Newest first.
    versions: List[str]
    lists_voices: bool


def parse_arguments(given: Optional[Sequence[str]] = None) -> Arguments:
    """Ends the process with exit code 2, and says why on standard error, when they cannot be read."""
    parser = argparse.ArgumentParser(prog="python3 -u -m taleback_speech", description="A speech child.")
    parser.add_argument(
        "--engine", required=True, metavar="NAME", help="espeak_ng, coqui, chatterbox, or module:Class of your own"
    )
    parser.add_argument(
        "--option", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="for the engine; repeatable"
    )
    parser.add_argument(
        "--versions",
        type=_versions,
        default=list(ALL_VERSIONS),
        metavar="LIST",
        help="protocol versions to speak, with commas between them (default: %s)" % ",".join(ALL_VERSIONS),
    )
    parser.add_argument("--list-voices", action="store_true", help="print the engine's voices and leave")
    found = parser.parse_args(given)
    return Arguments(found.engine, dict(found.option), found.versions, found.list_voices)


def _pair(text: str) -> Tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError("%r is not key=value" % text)
    return key, value


def _versions(text: str) -> List[str]:
    named = [name.strip() for name in text.split(",")]
    unknown = [name for name in named if name not in ALL_VERSIONS]
    if unknown:
        raise argparse.ArgumentTypeError("%r is none of %s" % (unknown[0], ", ".join(ALL_VERSIONS)))
    return [version for version in ALL_VERSIONS if version in named]
