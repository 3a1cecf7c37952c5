"""Sessions in memory, one lock for all, tracked in a thread."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ml_backend.mask_rows import digest_of
from trackanything_core.tracking.session import Session


@dataclass
class Status:
    state: str = "running"
    done: int = 0
    total: int = 0
    error: str = ""


@dataclass
class Live:
    session: Session
    notes: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    mark: int = 0
    digests: dict[Any, tuple[str, int]] = field(default_factory=dict)

    def scan(self):
        self.mark += 1
        seen = set()
        for frame in range(len(self.session.source)):
            for name, mask in self.session.frame_masks(frame).masks.items():
                seen.add((name, frame))
                d = digest_of(mask)
                if (
                    self.digests.get((name, frame), ("", 0))[0] != d
                    or (name, frame) not in self.digests
                ):
                    self.digests[name, frame] = d, self.mark
        for key, (d, _) in list(self.digests.items()):
            if key not in seen and d:
                self.digests[key] = "", self.mark

    def changed_since(self, mark):
        self.scan()
        return [key for key, (_, at) in self.digests.items() if at > mark]


class View:
    def __init__(self, live):
        self.objects = live.session.objects
        self.labels = live.labels
        self.size = live.session.source.size
        self.is_stale = bool(live.session.stale())
        self.frame_masks = live.session.frame_masks


class MemoryWorkspace:
    def __init__(self, segmenter, propagators, open_source):
        self.segmenter, self.propagators, self.open_source = segmenter, propagators, open_source
        self.lives: dict[str, Live] = {}
        self.jobs: dict[str, Status] = {}
        self.lock = threading.RLock()
        self.stack = ExitStack()
        self.gate = threading.Event()
        self.gate.set()

    @contextmanager
    def edit(self, session_id, source=None):
        with self.lock:
            if session_id not in self.lives:
                images = self.stack.enter_context(self.open_source(source))
                self.lives[session_id] = Live(Session(images, self.segmenter, self.propagators))
            yield self.lives[session_id]

    def view(self, session_id):
        with self.lock:
            live = self.lives.get(session_id)
            return live and View(live)

    def track(self, session_id, *, user="", project=""):
        status = self.jobs[session_id] = Status()
        threading.Thread(target=self._work, args=(session_id, status), daemon=True).start()

    def _work(self, session_id, status):
        try:
            with self.lock:
                work = iter(self.lives[session_id].session.propagate())
            while status.state == "running":
                self.gate.wait()
                with self.lock:
                    if next(work, None) is None:
                        status.state = "done"
        except Exception as error:
            status.state, status.error = "failed", str(error)

    def cancel(self, session_id):
        if session_id in self.jobs:
            self.jobs[session_id].state = "cancelled"

    def job(self, session_id):
        return self.jobs.get(session_id)

    def wait(self, session_id, seconds, until=None):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.jobs[session_id].state == "running":
            if until and until():
                break
            time.sleep(0.002)
        return self.jobs[session_id]

    def close(self):
        self.stack.close()
