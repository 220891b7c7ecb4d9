"""`python3 -u -m taleback_speech --engine NAME`"""

import os
import sys
import threading

from .arguments import Arguments, parse_arguments
from .child import Child
from .faults import SpeechFault
from .log import log
from .parent_death import die_with_parent
from .registry import create_engine
from .stop_signals import watch_signals
from .streams import claim_streams


def main() -> None:
    arguments = parse_arguments()
    is_by_hand = os.isatty(0)
    requests, answers = claim_streams()
    if arguments.lists_voices:
        sys.exit(_list_voices(arguments, answers))
    die_with_parent()
    child = Child(requests, answers, arguments.engine, arguments.versions)
    watch_signals(child.shutdown, is_by_hand)
    threading.Thread(target=child.read, name="reader", daemon=True).start()
    try:
        child.work(lambda: create_engine(arguments.engine, arguments.options))
    except KeyboardInterrupt:
        # Only ever by hand. 130 is what a shell calls an end by SIGINT.
        os._exit(130)


def _list_voices(arguments: Arguments, output: int) -> int:
    try:
        engine = create_engine(arguments.engine, arguments.options)
        engine.load()
    except SpeechFault as fault:
        log(fault.message)
        return 1
    with os.fdopen(output, "w") as file:
        file.writelines("%s\n" % voice for voice in engine.voices())
    return 0


if __name__ == "__main__":
    main()
