"""A small web server on this machine that stands for Label Studio and for others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


@dataclass
class Site:
    """A running server, and what it was asked."""

    url: str
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path with query, Authorization header) of each request, in order."""


@contextmanager
def serve(answer: Callable[[Request], Response]) -> Iterator[Site]:
    """Run a server on a free port of 127.0.0.1 that answers by a function."""
    site = Site("")

    def application(environ, start_response):
        request = Request(environ)
        site.requests.append((request.full_path.rstrip("?"), request.headers.get("Authorization")))
        return answer(request)(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    site.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
