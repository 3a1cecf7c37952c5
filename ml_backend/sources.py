"""How the video of a session is opened again: its source, as it stands in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ml_backend.connections import Connections
from ml_backend.errors import MediaError
from ml_backend.media import Media
from ml_backend.metrics import Metrics
from trackanything_core.video.base import FrameSource
from trackanything_core.video.open import open_source


class FramesSource(BaseModel):
    """A video as a list of pictures.

    Attributes:
        project: as Label Studio names it in requests; says where the pictures are.
        addresses: of all frames of the session, in order.
    """

    kind: Literal["frames"] = "frames"
    project: str
    addresses: list[str]


class VideoSource(BaseModel):
    """A video as one file.

    Attributes:
        project: as Label Studio names it in requests; says where the file is.
        address: of the file.
    """

    kind: Literal["video"] = "video"
    project: str
    address: str


_SOURCE: TypeAdapter[FramesSource | VideoSource] = TypeAdapter(
    Annotated[FramesSource | VideoSource, Field(discriminator="kind")]
)


class Sources:
    """Opens the videos of sessions. Safe for many threads.

    Args:
        media: fetches pictures.
        connections: knows where the pictures of a project are.
        metrics: told how long fetching takes.
    """

    def __init__(
        self, media: Media, connections: Connections, metrics: Metrics | None = None
    ) -> None:
        self._media = media
        self.connections = connections
        self._metrics = metrics or Metrics()

    @contextmanager
    def open(self, source: Mapping[str, Any]) -> Iterator[FrameSource]:
        """Open a source; its files stay on disk until it is closed.

        Raises:
            MediaError: it cannot be fetched, or is no source of this backend.
        """
        try:
            found = _SOURCE.validate_python(dict(source))
        except ValidationError as error:
            raise MediaError(f"expected the source of a session, got {source!r:.100}") from error
<<<<<<< HEAD
        connection = self.connections.of(found.project)
        if isinstance(found, FramesSource):
            lease = self._media.lease(found.addresses, connection)
        else:
            lease = self._media.lease_video(found.address, connection)
=======
        with self._metrics.stage("fetch"):
            lease = self._media.lease(found.addresses, self.connections.of(found.project))
        self._metrics.cached("media", hits=len(lease.paths) - lease.fetched, misses=lease.fetched)
>>>>>>> ops
        try:
            with open_source(lease.paths if found.kind == "frames" else lease.paths[0]) as video:
                yield video
        finally:
            lease.release()


def frames_source(project: str, addresses: Sequence[str]) -> dict[str, Any]:
    """The source of a task whose frames are pictures."""
    return FramesSource(project=project, addresses=list(addresses)).model_dump(mode="json")


def video_source(project: str, address: str) -> dict[str, Any]:
    """The source of a task whose video is one file."""
    return VideoSource(project=project, address=address).model_dump(mode="json")
