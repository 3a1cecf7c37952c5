"""Errors as HTTP answers: the one place that maps them. No answer holds a stack trace."""

from __future__ import annotations

import logging

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException

from ml_backend.errors import MediaError, ModelNotReadyError
from ml_backend.journal import Journal
from trackanything_core.errors import TrackAnythingError

logger = logging.getLogger(__name__)

Answer = tuple[dict[str, str], int]


def answer_errors(app: Flask, journal: Journal) -> None:
    """Make an app answer all errors in JSON, and write those of the user into the journal.

    Routes may name what they work on in `flask.g.where`.
    """

    @app.errorhandler(TrackAnythingError)
    def ours(error: TrackAnythingError) -> Answer:
        journal.record(g.get("where", request.path), str(error))
        return {"error": str(error)}, _status(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Answer:
        return {"error": error.description or error.name}, error.code or 500

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Answer:
        where = g.get("where", request.path)
        logger.error("%s: unforeseen error", where, exc_info=error)
        journal.record(where, f"internal error ({type(error).__name__}), details are in the log")
        return {"error": "internal error: see the log of the backend"}, 500


def _status(error: TrackAnythingError) -> int:
    if isinstance(error, ModelNotReadyError):
        return 503
    if isinstance(error, MediaError):
        return 502
    return 400
