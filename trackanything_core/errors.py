"""The errors a user can meet. Each message says what was expected, what came, what to do."""

from __future__ import annotations


class TrackAnythingError(Exception):
    """Base of all errors that are the caller's to mend; commands print them as one line."""


class VideoError(TrackAnythingError):
    """A video or an image list cannot be opened or decoded, or a frame is out of range."""


class PromptError(TrackAnythingError):
    """A click, box or mask does not fit the picture, the frame or the object."""


class MaskError(TrackAnythingError):
    """A mask or its encoding is malformed."""


class WeightsError(TrackAnythingError):
    """A weights file is missing, truncated or made for another model."""


class DataError(TrackAnythingError):
    """A data set on disk is not laid out as expected."""


class ConfigError(TrackAnythingError):
    """A setting has no meaning here."""


class SessionFileError(TrackAnythingError):
    """A saved session is missing, damaged, too new, or belongs to another video."""


class CheckpointError(TrackAnythingError):
    """A checkpoint is damaged, or was made with other weights or settings."""


class StoreError(TrackAnythingError):
    """The database of sessions and jobs cannot be used, or holds no such session or job."""
