"""Errors that only the Label Studio side can meet."""

from __future__ import annotations

from trackanything_core.errors import TrackAnythingError


class RequestError(TrackAnythingError):
    """A request body is not what Label Studio 1.23 sends."""


class LabelConfigError(TrackAnythingError):
    """A labelling configuration has no place for prompts or masks on frames."""


class MediaError(TrackAnythingError):
    """A picture of a task cannot be fetched."""


class ModelNotReadyError(TrackAnythingError):
    """The networks are still being loaded, or could not be."""


class TrackingError(TrackAnythingError):
    """The work on a session's masks has failed."""


class PushError(TrackAnythingError):
    """A prediction cannot be written back to Label Studio."""
