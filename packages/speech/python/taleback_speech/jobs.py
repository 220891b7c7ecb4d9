"""The jobs of one child: some waiting, at most one running."""

import threading
from collections import deque
from typing import Callable, Deque, Optional

from .engine import Cancellation
from .faults import SpeechFault
from .protocol import BARE, MAX_QUEUED_JOBS, Address, Synthesize

#: How long the end of the process may wait for this queue, which may be held by a thread that waits for the manager.
_STOP_TIMEOUT_SECONDS = 0.1


class Job:
    """A request to be answered. One without a request has its answer already, and only waits for those before it."""

    def __init__(
        self, address: Address, request: Optional[Synthesize] = None, fault: Optional[SpeechFault] = None
    ) -> None:
        self.address = address
        self.request = request
        self.fault = fault
        self.cancelled = Cancellation()

    @property
    def is_bare(self) -> bool:
        return self.address.version == BARE


class JobQueue:
    """Filled by the reading thread, worked off by the main thread.

    A job ends once: taken, then its taker answers; or refused, then `send_refusal` has been called. That happens under
    the lock, so the queue is not seen as empty while a refusal is still to be sent.

    Answers of 1.0 are matched by their order. Its refusals therefore wait behind its other jobs.
    """

    def __init__(self, send_refusal: Callable[[Address, SpeechFault], None]) -> None:
        self._send_refusal = send_refusal
        self._changed = threading.Condition()
        self._waiting: Deque[Job] = deque()
        self._running: Optional[Job] = None
        #: The answer to jobs that come too late.
        self._closed_by: Optional[SpeechFault] = None

    def put(self, job: Job) -> None:
        """Takes the job in, or refuses it."""
        with self._changed:
            if job.fault is not None:
                self._refuse(job, job.fault)
            elif self._closed_by is not None:
                self._refuse(job, self._closed_by)
            elif len(self._waiting) >= MAX_QUEUED_JOBS:
                self._refuse(job, SpeechFault("queue_full", "Too many jobs are waiting."))
            else:
                self._append(job)

    def take(self) -> Optional[Job]:
        """The next job, which then is the running one; waits for it. None once the queue is closed and empty.

        The one taken before counts as running, and its answer as still to come, until then.
        """
        with self._changed:
            self._running = None
            while not self._waiting:
                if self._closed_by is not None:
                    return None
                self._changed.wait()
            self._running = self._waiting.popleft()
            return self._running

    def cancel(self, correlation_id: str, fault: SpeechFault) -> None:
        """Refuses the waiting jobs of this id, and cancels a running one."""
        with self._changed:
            for job in [job for job in self._waiting if job.address.correlation_id == correlation_id]:
                self._waiting.remove(job)
                self._refuse(job, fault)
            if self._running is not None and self._running.address.correlation_id == correlation_id:
                self._running.cancelled.set()

    def close(self, fault: SpeechFault) -> None:
        """Refuses the waiting jobs and all that come later; a running one may go on."""
        with self._changed:
            self._closed_by = self._closed_by or fault
            waiting, self._waiting = self._waiting, deque()
            for job in waiting:
                self._refuse(job, job.fault or fault)
            self._changed.notify_all()

    def stop_running(self) -> None:
        """Cancels the running job, if there is one. Best effort: it never waits for long."""
        if self._changed.acquire(timeout=_STOP_TIMEOUT_SECONDS):
            try:
                if self._running is not None:
                    self._running.cancelled.set()
            finally:
                self._changed.release()

    def _refuse(self, job: Job, fault: SpeechFault) -> None:
        if job.is_bare and self._has_bare():
            self._append(Job(job.address, None, fault))
        else:
            self._send_refusal(job.address, fault)

    def _has_bare(self) -> bool:
        running = self._running
        return (running is not None and running.is_bare) or any(job.is_bare for job in self._waiting)

    def _append(self, job: Job) -> None:
        self._waiting.append(job)
        self._changed.notify()
