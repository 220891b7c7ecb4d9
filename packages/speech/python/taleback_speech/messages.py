"""What the manager can say, understood."""

from typing import Any, List, Mapping, NamedTuple, Optional, Union

from .faults import SpeechFault


class Address(NamedTuple):
    """Where an answer goes. `correlation_id` is None in 1.0, whose answers are matched by their order."""

    version: str
    correlation_id: Optional[str]


class Hello(NamedTuple):
    address: Address
    offered: List[Any]


class Synthesize(NamedTuple):
    address: Address
    text: str
    voice: str
    speed: float
    language: Optional[str]
    options: Mapping[str, Any]
    #: None in 2.1, and in 2.0 when the sound is wanted in the line.
    output_path: Optional[str]


class Ping(NamedTuple):
    address: Address


class Cancel(NamedTuple):
    correlation_id: str


class Shutdown(NamedTuple):
    pass


class Unreadable(NamedTuple):
    """A request that has to be told what is wrong with it."""

    address: Address
    fault: SpeechFault


class Noise(NamedTuple):
    """No request, or one that cannot be answered for want of a correlation id."""

    reason: str


Message = Union[Hello, Synthesize, Ping, Cancel, Shutdown, Unreadable, Noise]
