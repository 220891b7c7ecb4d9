"""Bounds of the protocol, the same for both sides."""

#: Longest line of either direction, without its end.
MAX_LINE_BYTES = 1 << 20

#: Most sound in one answer: half an hour at 16 kHz, where a request is some sentences.
MAX_SOUND_BYTES = 64 << 20

#: A name longer than this is no name. It keeps an echoed correlation id from making an answer too long a line.
MAX_NAME_CHARACTERS = 256

#: The manager never asks for more at once than `concurrency`; this stops one that went wrong from filling the memory.
MAX_QUEUED_JOBS = 1024

#: Rates of speech at which every voice stays understandable; 1 is the voice's own.
MIN_SPEED = 0.5
MAX_SPEED = 2.0
