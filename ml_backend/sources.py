"""How the video of a session is opened again: its source, as it stands in the database."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ml_backend.connections import Connections
from ml_backend.errors import MediaError
from ml_backend.file_cache import FileCache
from ml_backend.media import Media
from ml_backend.metrics import Metrics
from ml_backend.settings import Settings, read_settings
from trackanything_core.jobs.workspace import open_path
from trackanything_core.video.base import FrameSource
from trackanything_core.video.open import open_source

if TYPE_CHECKING:
    from trackanything_core.jobs.live import OpenSource

logger = logging.getLogger(__name__)


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
        connection = self.connections.of(found.project)
        with self._metrics.stage("fetch"):
            if isinstance(found, FramesSource):
                lease = self._media.lease(found.addresses, connection)
            else:
                lease = self._media.lease_video(found.address, connection)
        self._metrics.cached("media", hits=len(lease.paths) - lease.fetched, misses=lease.fetched)
        try:
            with open_source(lease.paths if found.kind == "frames" else lease.paths[0]) as video:
                yield video
        finally:
            lease.release()


def make_sources(
    settings: Settings, connections: Connections, metrics: Metrics | None = None
) -> Sources:
    """What opens videos in one process, with its files in the data folder."""
    cache = FileCache.of_this_process(settings.data_dir / "media", limit=settings.media_bytes)
    media = Media(
        cache, file_limit=settings.media_file_bytes, video_limit=settings.media_video_bytes
    )
    return Sources(media, connections, metrics)


def worker_sources() -> OpenSource:
    """What opens videos in a worker, by the settings of the machine on which it is called.

    Sessions of the library, which name a path, are opened as well. No `/setup` reaches a worker,
    so that the settings alone say where Label Studio is.

    Raises:
        ConfigError: a setting does not fit.
    """
    settings = read_settings()
    if not settings.label_studio_url:
        logger.warning(
            "TRACKANYTHING_LABEL_STUDIO_URL is not set: jobs on pictures that lie with Label "
            "Studio fail in this worker"
        )
    sources = make_sources(settings, Connections(settings))

    def open_any(source: Mapping[str, Any]) -> AbstractContextManager[FrameSource]:
        return sources.open(source) if "kind" in source else open_path(source)

    return open_any


def frames_source(project: str, addresses: Sequence[str]) -> dict[str, Any]:
    """The source of a task whose frames are pictures."""
    return FramesSource(project=project, addresses=list(addresses)).model_dump(mode="json")


def video_source(project: str, address: str) -> dict[str, Any]:
    """The source of a task whose video is one file."""
    return VideoSource(project=project, address=address).model_dump(mode="json")
