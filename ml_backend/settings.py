"""What an operator can set, all by environment variables that begin with TRACKANYTHING_."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import (
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from typing_extensions import Self

from trackanything_core.errors import ConfigError


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "trackanything"


class Settings(BaseSettings):
    """Settings of the backend.

    Attributes:
        host: address to listen on; only this machine by default, as requests carry no password.
        port: port to listen on.
        log_level: of the log on standard error.
        data_dir: folder for what the backend keeps; made if it is missing.
        label_studio_url: where the backend reaches Label Studio; if not set, where Label Studio
            says that it is.
        label_studio_api_key: personal access token or legacy token, sent to that address only.
        segmenter: registry name of the SAM weights.
        segmenter_weights: a file to use instead of the registry's.
        propagator: registry name of the XMem weights.
        propagator_weights: a file to use instead of the registry's.
        device: "auto", "cpu", "cuda" or "cuda:N".
        answer_seconds: how long a request may work before it answers with what there is; Label
            Studio itself waits for 100 s (its ML_TIMEOUT_PREDICT).
        database_url: where sessions and jobs are kept, such as
            postgresql+psycopg://user@host/name; a file in data_dir if not set. Several servers may
            share one.
        objects: how many objects one label has, where neither the labelling configuration nor the
            connection's extra parameters say so: "one" or "many".
        run_jobs: whether this process works off the queue; it need not where workers do
            (`trackanything worker`).
        track_on_submit: whether a submitted annotation has its missing masks computed, and stored
            as a prediction.
        cut_frames: a new video is searched for shot changes before its first click is answered, if
            it has at most so many frames; that takes some 30 ms for each.
        live_sessions: videos whose state is kept in memory.
        media_bytes: disk space for fetched pictures.
        media_file_bytes: limit for one picture.
        media_video_bytes: limit for one video.
        request_bytes: limit for one request; it holds all masks of a task.
    """

    model_config = SettingsConfigDict(env_prefix="TRACKANYTHING_", frozen=True)

    host: str = "127.0.0.1"
    port: PositiveInt = 9090
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    data_dir: Path = _default_data_dir()
    label_studio_url: str = ""
    label_studio_api_key: SecretStr = SecretStr("")
    segmenter: str = "embedded"
    segmenter_weights: Path | None = None
    propagator: str = "embedded"
    propagator_weights: Path | None = None
    device: str = "auto"
    answer_seconds: PositiveFloat = 80.0
    database_url: str = ""
    objects: Literal["one", "many"] = "one"
    run_jobs: bool = True
    track_on_submit: bool = False
    cut_frames: NonNegativeInt = 300
    live_sessions: PositiveInt = 4
    media_bytes: NonNegativeInt = 8 * 2**30
    media_file_bytes: PositiveInt = 64 * 2**20
    media_video_bytes: PositiveInt = 4 * 2**30
    request_bytes: PositiveInt = 256 * 2**20

    @model_validator(mode="after")
    def _token_has_an_address(self) -> Self:
        if self.label_studio_api_key.get_secret_value() and not self.label_studio_url:
            # Without it, the token would go to whatever address a request names.
            raise ValueError(
                "TRACKANYTHING_LABEL_STUDIO_API_KEY needs TRACKANYTHING_LABEL_STUDIO_URL beside it"
            )
        return self

    @property
    def database(self) -> str:
        """The address of the database; the folder of a file is made."""
        if self.database_url:
            return self.database_url
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{self.data_dir / 'trackanything.db'}"

    @property
    def model_version(self) -> str:
        """What predictions and `/setup` name; known before any weights are loaded."""
        release = version("trackanything-label-studio")
        return f"trackanything-{release} ({self.segmenter}, {self.propagator})"


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigError: one of them does not fit.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ConfigError(f"the TRACKANYTHING_ settings do not fit: {problems}") from error
