"""`python3 -u -m taleback_speech --engine NAME`"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
import threading
from functools import partial
from typing import Callable

from .child import Child
from .engine import Engine, create_engine
from .faults import SpeechFault
from .process import claim_streams, die_with_parent, log, watch_signals
from .protocol import ALL_VERSIONS


def main() -> None:
    arguments = _parse_arguments()
    is_by_hand = os.isatty(0)
    requests, answers = claim_streams()
    create = partial(create_engine, arguments.engine, dict(arguments.option))
    if arguments.describe:
        sys.exit(_describe(create, answers))
    if arguments.list_voices:
        sys.exit(_list_voices(create, answers))
    die_with_parent()
    child = Child(requests, answers, arguments.engine, arguments.versions)
    watch_signals(child.shutdown, is_by_hand)
    threading.Thread(target=child.read, name="reader", daemon=True).start()
    try:
        child.work(create)
    except KeyboardInterrupt:
        # Only ever by hand. 130 is what a shell calls an end by SIGINT.
        os._exit(130)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -u -m taleback_speech", description="A speech child.")
    add = parser.add_argument
    add("--engine", required=True, metavar="NAME", help="espeak_ng, coqui, chatterbox, or module:Class of your own")
    add("--option", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="for the engine; repeatable")
    versions_help = f"protocol versions to speak, with commas between them (default: {','.join(ALL_VERSIONS)})"
    add("--versions", type=_versions, default=list(ALL_VERSIONS), metavar="LIST", help=versions_help)
    add("--list-voices", action="store_true", help="print the engine's voices and leave")
    add("--describe", action="store_true", help="print what the engine says about itself, as JSON, and leave")
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    return key, value


def _versions(text: str) -> list[str]:
    """The versions in the text, newest first."""
    named = [name.strip() for name in text.split(",")]
    unknown = [name for name in named if name not in ALL_VERSIONS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(ALL_VERSIONS)}")
    return [version for version in ALL_VERSIONS if version in named]


def _describe(create: Callable[[], Engine], output: int) -> int:
    try:
        engine = create()
        description = {
            "name": engine.name,
            "languages": list(engine.languages),
            "voices": [
                {"id": str(voice), "isCloned": str(voice) in engine.cloned_voices} for voice in engine.voices()
            ],
            "clonesVoices": engine.clones_voices,
            "hasOneSpeed": engine.has_one_speed,
            "file": inspect.getfile(type(engine)),
        }
    except SpeechFault as fault:
        log(fault.message)
        return 1
    except Exception as error:
        log(f"{type(error).__name__}: {error}")
        return 1
    with os.fdopen(output, "w") as file:
        file.write(json.dumps(description) + "\n")
    return 0


def _list_voices(create: Callable[[], Engine], output: int) -> int:
    try:
        engine = create()
        engine.load()
    except SpeechFault as fault:
        log(fault.message)
        return 1
    with os.fdopen(output, "w") as file:
        file.writelines(f"{voice}\n" for voice in engine.voices())
    return 0


if __name__ == "__main__":
    main()
