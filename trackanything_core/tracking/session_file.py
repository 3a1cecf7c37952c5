"""A session as one file: what a human said, and what was computed from it.

The file is JSON, compressed with a checksum, so that damage is noticed.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trackanything_core.errors import MaskError, SessionFileError
from trackanything_core.files import replaced_on_success
from trackanything_core.tracking.session_schema import (
    FORMAT_VERSION,
    SavedSession,
    SessionDocument,
)


class _Version(BaseModel):
    version: int


def write_session(path: Path, session: SavedSession) -> None:
    """Write a session, whole or not at all; what stands at `path` is replaced.

    Raises:
        OSError: the folder does not exist or the disk is full; what stood there still stands.
    """
    document = SessionDocument.pack(session).model_dump_json().encode()
    with replaced_on_success(path) as temporary:
        temporary.write_bytes(gzip.compress(document, mtime=0))


def read_session(path: Path, frames: int, size: tuple[int, int]) -> SavedSession:
    """Read what `write_session` wrote.

    Args:
        path: the file.
        frames: of the video that it must belong to.
        size: (height, width) of that video in pixels.

    Raises:
        SessionFileError: the file is missing, damaged, of a newer version, or of another video.
    """
    try:
        text = gzip.decompress(path.read_bytes())
        _refuse_newer(path, text)
        session = SessionDocument.model_validate_json(text).unpack()
        for track in session.objects.values():
            for anchor in track.anchors.values():
                anchor.decode()
    except FileNotFoundError as error:
        raise SessionFileError(f"expected a saved session at {path}: check the path") from error
    except (OSError, EOFError, zlib.error, ValidationError, IndexError, MaskError) as error:
        raise SessionFileError(
            f"expected a saved session, but {path} is none or is damaged: take another copy of it"
        ) from error
    if (session.frames, session.size) != (frames, size):
        raise SessionFileError(
            f"{path} belongs to a video of {_described(session.frames, session.size)}, this one "
            f"has {_described(frames, size)}: open the video that it was made for"
        )
    return session


def _refuse_newer(path: Path, text: bytes) -> None:
    version = _Version.model_validate_json(text).version
    if version > FORMAT_VERSION:
        raise SessionFileError(
            f"{path} was written by a newer version of this program (format {version}, this one "
            f"reads up to {FORMAT_VERSION}): update the program"
        )


def _described(frames: int, size: tuple[int, int]) -> str:
    return f"{frames} frames of {size[1]}x{size[0]} pixels"
