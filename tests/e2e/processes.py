"""Servers that are started for a test and stopped after it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    url: str,
    log: Path,
    seconds: float,
    stop_hard: bool = False,
) -> Iterator[None]:
    """Run a command until the block ends, which begins when `url` answers 200.

    Args:
        command: starts the server.
        environment: added to this process's own.
        url: asked until it answers.
        log: file for what the server says.
        seconds: to wait at most.
        stop_hard: whether it is killed at the end, with no time to tidy up.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, url, seconds, log)
            yield
        finally:
            _stop(process, hard=stop_hard)


def _wait(process: subprocess.Popen[bytes], url: str, seconds: float, log: Path) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(url, timeout=5).status_code == requests.codes.ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _stop(process: subprocess.Popen[bytes], *, hard: bool) -> None:
    # The group, since uvx stands before the server that it starts.
    for kind in (signal.SIGKILL,) if hard else (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            continue
