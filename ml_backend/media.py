"""The pictures of a task, from Label Studio or the web, as files on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import cv2
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from ml_backend.auth import Connection, NoToken
from ml_backend.errors import MediaError
from ml_backend.file_cache import FileCache, Lease

_MAX_REDIRECTS = 5
_TIMEOUT_SECONDS = (5.0, 30.0)
_CHUNK_BYTES = 1 << 16


def frame_addresses(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The addresses of a task's frames, in order.

    Args:
        data: the task's `data`.
        key: names the list of frames in it.

    Raises:
        MediaError: there is no such list, or it is empty.
    """
    addresses = data.get(key)
    listed = isinstance(addresses, list) and all(isinstance(a, str) for a in addresses)
    if not listed or not addresses:
        raise MediaError(
            f"expected the frames of the task as a list of addresses in data.{key}, "
            f"got {type(addresses).__name__}: see label_config/README.md"
        )
    return tuple(addresses)


class Media:
    """Fetches pictures, several at a time, and keeps them within a byte limit.

    Args:
        cache: where they are kept. An address is taken to name the same picture for ever.
        file_limit: bytes that one picture may have.
        video_limit: bytes that one video may have.
        workers: connections that are kept open.
    """

    def __init__(
        self,
        cache: FileCache,
        *,
        file_limit: int,
        video_limit: int = 4 * 2**30,
        workers: int = 8,
    ) -> None:
        self._cache = cache
        self._file_limit = file_limit
        self._video_limit = video_limit
        retry = Retry(2, redirect=False, backoff_factor=0.2, status_forcelist=(502, 503, 504))
        self._http = requests.Session()
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(pool_maxsize=workers, max_retries=retry))

    def lease(self, addresses: Sequence[str], connection: Connection) -> Lease:
        """Have the pictures on disk, in the order of their addresses, until released.

        Args:
            addresses: `/data/upload/…`, `/data/local-files/?d=…`, `http://…` or `https://…`.
            connection: where Label Studio is.

        Raises:
            MediaError: one cannot be fetched, is too large or is no picture.
        """
        urls = [connection.resolve(address) for address in addresses]
        return self._cache.lease(urls, lambda url, path: self._fetch(url, path, connection))

    def lease_video(self, address: str, connection: Connection) -> Lease:
        """Have a video on disk until it is released; whether it is one shows when it is opened.

        Args:
            address: as for `lease`.
            connection: where Label Studio is.

        Raises:
            MediaError: it cannot be fetched, or is too large.
        """
        url = connection.resolve(address)

        def fetch(url: str, path: Path) -> None:
            self._get(url, path, connection, self._video_limit)

        return self._cache.lease([url], fetch)

    def _fetch(self, url: str, path: Path, connection: Connection) -> None:
        self._get(url, path, connection, self._file_limit)
        if not cv2.haveImageReader(str(path)):
            raise MediaError(
                f"expected a picture at {_shown(url)}, "
                f"got {path.stat().st_size} bytes that are none"
            )

    def _get(self, url: str, path: Path, connection: Connection, limit: int) -> None:
        try:
            self._download(url, path, connection.auth_for(url), limit)
        except requests.RequestException as error:
            # The text of the error may quote a signed address: name its kind alone.
            raise MediaError(f"cannot fetch {_shown(url)}: {type(error).__name__}") from None

    def _download(self, url: str, path: Path, auth: AuthBase, limit: int) -> None:
        for _ in range(_MAX_REDIRECTS):
            with self._http.get(
                url, auth=auth, allow_redirects=False, stream=True, timeout=_TIMEOUT_SECONDS
            ) as response:
                if not response.is_redirect:
                    return self._save(response, path, limit)
                url, auth = urljoin(url, response.headers["Location"]), NoToken()
                if urlsplit(url).scheme not in ("http", "https"):
                    raise MediaError(f"refused to follow a redirect to {_shown(url)}")
        raise MediaError(f"gave up after {_MAX_REDIRECTS} redirects, the last to {_shown(url)}")

    def _save(self, response: requests.Response, path: Path, limit: int) -> None:
        if response.status_code != requests.codes.ok:
            raise MediaError(_refusal(response))
        size = 0
        with path.open("wb") as file:
            for chunk in response.iter_content(_CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    setting = "FILE" if limit == self._file_limit else "VIDEO"
                    raise MediaError(
                        f"expected at most {limit} bytes at {_shown(response.url)}: "
                        f"raise TRACKANYTHING_MEDIA_{setting}_BYTES"
                    )
                file.write(chunk)


def _refusal(response: requests.Response) -> str:
    message = f"{_shown(response.url)} answered {response.status_code}"
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        message += (
            ": set TRACKANYTHING_LABEL_STUDIO_URL and TRACKANYTHING_LABEL_STUDIO_API_KEY to an "
            "account that may see the project (legacy tokens must be enabled to be accepted)"
        )
    return message


def _shown(url: str) -> str:
    """An address without what may be secret in it: user, password and signed query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
