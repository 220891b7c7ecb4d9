"""The jobs of one child: some waiting, at most one running."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable

from .engine import Cancellation
from .faults import SpeechFault
from .protocol import BARE, Address, Synthesize, Unreadable

#: The manager never asks for more at once than `concurrency`; this stops one that went wrong from filling the memory.
MAX_QUEUED_JOBS = 1024
#: How long the end of the process may wait for this queue, which may be held by a thread that waits for the manager.
_STOP_TIMEOUT_SECONDS = 0.1


class Job:
    """A request to be answered. An unreadable one has its answer already, and only waits for those before it."""

    def __init__(self, request: Synthesize | Unreadable) -> None:
        self.request = request
        self.address = request.address
        self.cancelled = Cancellation()


class JobQueue:
    """Filled by the reading thread, worked off by the main thread.

    A job ends once: taken, then its taker answers; or refused, then `send_refusal` has been called, under the lock, so
    that the queue is not seen as empty before. Answers of 1.0 are matched by their order: its refusals wait in line.
    """

    def __init__(self, send_refusal: Callable[[Address, SpeechFault], None]) -> None:
        self._send_refusal = send_refusal
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        #: The answer to jobs that come too late.
        self._closed_by: SpeechFault | None = None

    def put(self, request: Synthesize | Unreadable) -> None:
        """Takes the request in, or refuses it."""
        with self._changed:
            if isinstance(request, Unreadable):
                self._refuse(request.address, request.fault)
            elif self._closed_by is not None:
                self._refuse(request.address, self._closed_by)
            elif len(self._waiting) >= MAX_QUEUED_JOBS:
                self._refuse(request.address, SpeechFault("queue_full", "Too many jobs are waiting."))
            else:
                self._append(request)

    def take(self) -> Job | None:
        """The next job, which then is the running one; waits for it. None once the queue is closed and empty.

        The one taken before counts as running, and its answer as still to come, until then.
        """
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self._closed_by is not None)
            if self._waiting:
                self._running = self._waiting.popleft()
            return self._running

    def cancel(self, correlation_id: str, fault: SpeechFault) -> None:
        """Refuses the waiting jobs of this id, and cancels a running one."""
        with self._changed:
            for job in [job for job in self._waiting if job.address.correlation_id == correlation_id]:
                self._waiting.remove(job)
                self._refuse(job.address, fault)
            if self._running is not None and self._running.address.correlation_id == correlation_id:
                self._running.cancelled.set()

    def close(self, fault: SpeechFault) -> None:
        """Refuses the waiting jobs and all that come later; a running one may go on."""
        with self._changed:
            self._closed_by = self._closed_by or fault
            waiting, self._waiting = self._waiting, deque()
            for job in waiting:
                self._refuse(job.address, job.request.fault if isinstance(job.request, Unreadable) else fault)
            self._changed.notify_all()

    def stop_running(self) -> None:
        """Cancels the running job, if there is one, as the process ends. Best effort: it never waits for long."""
        if self._changed.acquire(timeout=_STOP_TIMEOUT_SECONDS) and self._running is not None:
            self._running.cancelled.set()

    def _refuse(self, address: Address, fault: SpeechFault) -> None:
        unanswered = [*self._waiting] if self._running is None else [self._running, *self._waiting]
        if address.version == BARE and any(job.address.version == BARE for job in unanswered):
            self._append(Unreadable(address, fault))
        else:
            self._send_refusal(address, fault)

    def _append(self, request: Synthesize | Unreadable) -> None:
        self._waiting.append(Job(request))
        self._changed.notify()
