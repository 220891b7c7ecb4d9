"""The child: reads requests, answers what it can at once, and lets the engine speak the rest."""

from __future__ import annotations

import base64
import os
import threading
from typing import Any, Callable, Sequence

from . import protocol
from .audio import check_sound, write_sound_file
from .engine import Cancellation, Engine, Sound
from .faults import SpeechFault, fault_of, present
from .jobs import Job, JobQueue
from .process import Outbox, log, log_exception, read_lines, rss_bytes

#: How long `hello` waits to name the engine's models. Constructing an engine loads nothing, so this is not felt.
_KNOWN_TIMEOUT_SECONDS = 1.0
#: How long the last answers may take to leave, once nothing else is to be done.
_FLUSH_TIMEOUT_SECONDS = 5.0


class Child:
    """The reading thread takes messages, the main thread runs `work`. It ends the process; it never returns."""

    def __init__(self, requests: int, answers: int, engine_name: str, spoken: Sequence[str]) -> None:
        self._requests = requests
        self._spoken = spoken
        self._jobs = JobQueue(self._refuse)
        self._outbox = Outbox(answers, on_broken=lambda: self._leave_now(0))
        self._engine_name = engine_name
        self._models: list[str] = []
        #: Set when the engine's name and models are known, or never will be.
        self._is_known = threading.Event()
        #: The engine, once its model is in memory.
        self._engine: Engine | None = None
        self._jobs_done = 0
        #: The version of events, known from the first envelope on. A manager that speaks 1.0 gets none.
        self._event_version: str | None = None
        self._has_heard_bare = False
        self._ready_lock = threading.Lock()
        self._is_ready_sent = False

    def read(self) -> None:
        """Reads to the end, then ends the process, whatever it is doing: the manager is gone."""
        for line in read_lines(self._requests, protocol.MAX_LINE_BYTES):
            try:
                if isinstance(line, int):
                    log(f"a line of {line} bytes was skipped, it is too long")
                elif line.strip():
                    self._take(line)
            except Exception:
                log_exception("a line could not be handled")
        self._leave_now(0)

    def work(self, create: Callable[[], Engine]) -> None:
        """Loads the engine and speaks until it is to leave. Runs on the main thread, as some models must."""
        engine = self._load(create)
        self._send_ready()
        job = self._jobs.take()
        while job is not None:
            # Waiting keeps at most one sound in memory, however slowly the manager reads.
            self._outbox.send_and_wait(*self._answer_to(job, engine))
            job = self._jobs.take()
        self._leave(0)

    def shutdown(self) -> None:
        """Answers what is queued, and leaves as soon as nothing is being spoken."""
        self._jobs.close(_cancelled())
        log("leaving on request")
        # A model half loaded is nothing to wait for. Else the main thread leaves when it finds no job.
        if self._engine is None:
            self._leave(0)

    def _take(self, line: bytes) -> None:
        message = protocol.parse_line(line, self._spoken)
        if isinstance(message, protocol.Hello):
            self._say_hello(message)
        elif isinstance(message, protocol.Synthesize):
            self._send_events_in(message.address.version)
            self._jobs.put(message)
        elif isinstance(message, protocol.Ping):
            pulse = {"type": "pong", "jobs_done": self._jobs_done, "rss_bytes": rss_bytes(), "model": self._model()}
            self._respond(message.address, pulse)
            self._send_events_in(message.address.version)
        elif isinstance(message, protocol.Cancel):
            self._jobs.cancel(message.correlation_id, _cancelled())
        elif isinstance(message, protocol.Shutdown):
            self.shutdown()
        elif isinstance(message, protocol.Unreadable):
            log(f"a request was refused: {message.fault.message}")
            self._jobs.put(message)
        elif isinstance(message, protocol.Noise):
            log(f"skipped: {message.reason}")

    def _say_hello(self, hello: protocol.Hello) -> None:
        version = protocol.newest_common(hello.offered, self._spoken)
        if version is None:
            self._refuse(hello.address, SpeechFault("request_invalid", "This child speaks none of those versions."))
            return
        self._is_known.wait(_KNOWN_TIMEOUT_SECONDS)
        payload = {
            "type": "hello",
            "version": version,
            "engine": self._engine_name,
            # The engine speaks on the main thread, so more at once would only wait here instead of there.
            "concurrency": 1,
            "pid": os.getpid(),
            "models": self._models or None,
        }
        self._respond(hello.address, payload)
        self._send_events_in(version)

    def _respond(self, address: protocol.Address, payload: dict[str, Any]) -> None:
        self._outbox.send(protocol.response_line(address, present(payload)))

    def _refuse(self, address: protocol.Address, fault: SpeechFault) -> None:
        self._outbox.send(protocol.error_line(address, fault))

    def _load(self, create: Callable[[], Engine]) -> Engine:
        try:
            engine = create()
            self._engine_name = engine.name
            self._models = [str(model) for model in engine.models]
            self._is_known.set()
            engine.load()
            self._engine = engine
            return engine
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # Libraries end their process with SystemExit, too.
            log_exception("the engine did not load")
            self._fail(fault_of(error, "model_loading_failed"))
            raise

    def _fail(self, fault: SpeechFault) -> None:
        """Answers all waiting requests with the fault of an engine that will never speak, and leaves."""
        self._is_known.set()
        self._jobs.close(fault)
        version = self._event_version
        if version is None and not self._has_heard_bare:
            version = next(iter(protocol.enveloped(self._spoken)), None)
        if version is not None:
            self._outbox.send(protocol.event_line(version, {**fault.fields(), "type": "failed"}))
        self._leave(1)

    def _answer_to(self, job: Job, engine: Engine) -> list[bytes]:
        """The parts of the answer, to be sent with nothing between them."""
        try:
            if isinstance(job.request, protocol.Unreadable):
                raise job.request.fault
            return self._speak(job.request, engine, job.cancelled)
        except KeyboardInterrupt:
            raise
        except SpeechFault as fault:
            return [protocol.error_line(job.address, fault)]
        except BaseException as error:
            log_exception("a job failed")
            return [protocol.error_line(job.address, fault_of(error))]

    def _speak(self, request: protocol.Synthesize, engine: Engine, cancelled: Cancellation) -> list[bytes]:
        cancelled.raise_if_set()
        _, text, voice, speed, language, options, _ = request
        sound = engine.synthesize(text, voice, speed, language, options, cancelled)
        # The engine may have been unable to stop; its sound is not wanted any more.
        cancelled.raise_if_set()
        parts = _answer_with(check_sound(sound), request)
        self._jobs_done += 1
        return parts

    def _model(self) -> str | None:
        """The model in memory."""
        return self._models[0] if self._engine is not None and self._models else None

    def _send_events_in(self, version: str) -> None:
        """The manager has shown which version it speaks: `ready` may follow the answer to that."""
        if version == protocol.BARE:
            self._has_heard_bare = True
            return
        self._event_version = self._event_version or version
        self._send_ready()

    def _send_ready(self) -> None:
        """Sends `ready` once, when the engine is loaded and it cannot come before the answer to `hello`."""
        with self._ready_lock:
            version = self._event_version
            if self._engine is None or version is None or self._is_ready_sent:
                return
            self._is_ready_sent = True
        self._outbox.send(protocol.event_line(version, present({"type": "ready", "model": self._model()})))

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


def _answer_with(sound: Sound, request: protocol.Synthesize) -> list[bytes]:
    """The parts of the answer; a file is written before it is spoken of."""
    address, path = request.address, request.output_path
    payload = {"type": "audio", "encoding": sound.encoding, "sample_rate": sound.sample_rate}
    if address.version == protocol.RAW:
        return [protocol.response_line(address, payload, len(sound.data)), sound.data, b"\n"]
    if path is None:
        payload["audio_base64"] = base64.b64encode(sound.data).decode("ascii")
        return [protocol.response_line(address, payload)]
    write_sound_file(sound, path)
    if address.version == protocol.BARE:
        return [protocol.line_of(success=True, output_path=path)]
    return [protocol.response_line(address, {**payload, "encoding": "wav", "output_path": path})]


def _cancelled() -> SpeechFault:
    return SpeechFault("job_cancelled", "The job was cancelled.")
