"""The child: reads requests, answers what it can at once, and lets the engine speak the rest."""

import os
import threading
from typing import Any, Callable, Dict, List, Optional, Sequence

from .engine import Engine
from .faults import SpeechFault
from .host import EngineHost
from .jobs import Job, JobQueue
from .parse import parse_line
from .pipes import Outbox, read_lines
from .process import log, log_exception, rss_bytes
from .protocol import (
    BARE,
    MAX_LINE_BYTES,
    Address,
    Cancel,
    Hello,
    Noise,
    Ping,
    Shutdown,
    Synthesize,
    Unreadable,
    enveloped,
    error_line,
    event_line,
    newest_common,
    response_line,
)

#: How long `hello` waits to name the engine's models. Constructing an engine loads nothing, so this is not felt.
_KNOWN_TIMEOUT_SECONDS = 1.0
#: How long the last answers may take to leave, once nothing else is to be done.
_FLUSH_TIMEOUT_SECONDS = 5.0


class Child:
    """The reading thread takes messages, the main thread runs `work`. It ends the process; it never returns."""

    def __init__(self, requests: int, answers: int, engine_name: str, spoken: Sequence[str]) -> None:
        self._requests = requests
        self._spoken = spoken
        self._host = EngineHost(engine_name)
        self._jobs = JobQueue(self._refuse)
        self._outbox = Outbox(answers, on_broken=lambda: self._leave_now(0))
        self._is_loading = True
        self._events_lock = threading.Lock()
        #: The version of events, known from the first envelope on. A manager that speaks 1.0 gets none.
        self._event_version: Optional[str] = None
        self._has_heard_bare = False
        self._ready: Optional[Dict[str, Any]] = None

    def read(self) -> None:
        """Reads to the end, then ends the process, whatever it is doing: the manager is gone."""
        for line in read_lines(self._requests, MAX_LINE_BYTES):
            try:
                if isinstance(line, int):
                    log("a line of %d bytes was skipped, it is too long" % line)
                elif line.strip():
                    self._take(line)
            except Exception:
                log_exception("a line could not be handled")
        self._leave_now(0)

    def work(self, create: Callable[[], Engine]) -> None:
        """Loads the engine and speaks until it is to leave. Runs on the main thread, as some models must."""
        try:
            self._host.load(create)
        except SpeechFault as fault:
            self._fail(fault)
        self._is_loading = False
        payload = {"type": "ready"}
        if self._host.model is not None:
            payload["model"] = self._host.model
        self._send_ready(payload)
        while True:
            job = self._jobs.take()
            if job is None:
                self._leave(0)
                return
            parts = self._answer_to(job)
            # Waiting keeps at most one sound in memory, however slowly the manager reads.
            self._outbox.send_and_wait(*parts)

    def shutdown(self) -> None:
        """Answers what is queued, and leaves as soon as nothing is being spoken."""
        self._jobs.close(_cancelled())
        log("leaving on request")
        # A model half loaded is nothing to wait for. Else the main thread leaves when it finds no job.
        if self._is_loading:
            self._leave(0)

    def _take(self, line: bytes) -> None:
        message = parse_line(line, self._spoken)
        if isinstance(message, Hello):
            self._say_hello(message)
        elif isinstance(message, Synthesize):
            self._send_events_in(message.address.version)
            self._jobs.put(Job(message.address, message))
        elif isinstance(message, Ping):
            self._outbox.send(response_line(message.address, self._pulse()))
            self._send_events_in(message.address.version)
        elif isinstance(message, Cancel):
            self._jobs.cancel(message.correlation_id, _cancelled())
        elif isinstance(message, Shutdown):
            self.shutdown()
        elif isinstance(message, Unreadable):
            log("a request was refused: %s" % message.fault.message)
            self._jobs.put(Job(message.address, None, message.fault))
        elif isinstance(message, Noise):
            log("skipped: %s" % message.reason)

    def _say_hello(self, hello: Hello) -> None:
        version = newest_common(hello.offered, self._spoken)
        if version is None:
            fault = SpeechFault("request_invalid", "This child speaks none of those versions.")
            self._outbox.send(error_line(hello.address, fault))
            return
        self._host.is_known.wait(_KNOWN_TIMEOUT_SECONDS)
        payload = {
            "type": "hello",
            "version": version,
            "engine": self._host.name,
            # The engine speaks on the main thread, so more at once would only wait here instead of there.
            "concurrency": 1,
            "pid": os.getpid(),
        }
        if self._host.models:
            payload["models"] = self._host.models
        self._outbox.send(response_line(hello.address, payload))
        self._send_events_in(version)

    def _pulse(self) -> Dict[str, Any]:
        payload = {
            "type": "pong",
            "jobs_done": self._host.jobs_done,
            "rss_bytes": rss_bytes(),
            "model": self._host.model,
        }
        return {name: value for name, value in payload.items() if value is not None}

    def _answer_to(self, job: Job) -> List[bytes]:
        try:
            if job.request is not None:
                return self._host.speak(job.request, job.cancelled)
            fault = job.fault or SpeechFault("internal", "The job was lost.")
        except SpeechFault as found:
            fault = found
        return [error_line(job.address, fault)]

    def _refuse(self, address: Address, fault: SpeechFault) -> None:
        self._outbox.send(error_line(address, fault))

    def _send_events_in(self, version: str) -> None:
        """The manager has shown which version it speaks: `ready` may follow the answer to that."""
        with self._events_lock:
            if version == BARE:
                self._has_heard_bare = True
                return
            self._event_version = self._event_version or version
            ready, self._ready = self._ready, None
        if ready is not None:
            self._outbox.send(event_line(version, ready))

    def _send_ready(self, payload: Dict[str, Any]) -> None:
        """Sends `ready`, or keeps it until it cannot come before the answer to `hello`."""
        with self._events_lock:
            version = self._event_version
            if version is None:
                self._ready = payload
        if version is not None:
            self._outbox.send(event_line(version, payload))

    def _fail(self, fault: SpeechFault) -> None:
        """Answers all waiting requests with the fault of an engine that will never speak, and leaves."""
        self._jobs.close(fault)
        with self._events_lock:
            version = self._event_version
            if version is None and not self._has_heard_bare:
                version = next(iter(enveloped(self._spoken)), None)
        if version is not None:
            self._outbox.send(event_line(version, dict(fault.fields(), type="failed")))
        self._leave(1)

    def _leave(self, exit_code: int) -> None:
        """Ends the process when all answers are written."""
        self._outbox.send_and_wait(timeout_seconds=_FLUSH_TIMEOUT_SECONDS)
        self._leave_now(exit_code)

    def _leave_now(self, exit_code: int) -> None:
        """Ends the process at once. Models start threads and exit handlers that would keep it for long."""
        try:
            self._jobs.stop_running()
        finally:
            os._exit(exit_code)


def _cancelled() -> SpeechFault:
    return SpeechFault("job_cancelled", "The job was cancelled.")
