"""Label Studio's two kinds of tokens, and the one address each may be sent to.

A *legacy* token goes out as it is (`Authorization: Token …`). A *personal access token* is a JWT
that only buys access tokens (`POST /api/token/refresh/`), good for some minutes, which go out as
`Authorization: Bearer …`.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable
from copy import copy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from ml_backend.errors import MediaError

_EARLY_SECONDS = 30.0
"""An access token is renewed this long before it ends, so that none ends on the way."""

_STORAGE_SCHEMES = ("s3", "gs", "azure-blob")

_DEFAULT_LIFE_SECONDS = 240.0
_TIMEOUT_SECONDS = (5.0, 15.0)


class NoToken(AuthBase):
    """Sends nothing, not even what requests would take from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class LegacyToken(AuthBase):
    """A token that is sent as it is."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Token {self._token}"
        return request


class PersonalToken(AuthBase):
    """A personal access token; buys access tokens and keeps each until shortly before its end.

    Args:
        base_url: address of Label Studio, with a slash at its end.
        token: the personal access token.
        clock: seconds since the epoch.
    """

    def __init__(self, base_url: str, token: str, clock: Callable[[], float] = time.time) -> None:
        self._base_url = base_url
        self._token = token
        self._clock = clock
        self._lock = threading.Lock()
        self._access = ""
        self._renew_at = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header, after renewing the access token where needed.

        Raises:
            MediaError: Label Studio cannot be reached or does not accept the token.
        """
        with self._lock:
            if self._clock() >= self._renew_at:
                self._renew()
            request.headers["Authorization"] = f"Bearer {self._access}"
        return request

    def _renew(self) -> None:
        url = urljoin(self._base_url, "api/token/refresh/")
        try:
            response = requests.post(
                url,
                json={"refresh": self._token},
                auth=NoToken(),
                allow_redirects=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            # The text of the error may quote the request: name its kind alone.
            raise MediaError(f"cannot reach {url}: {type(error).__name__}") from None
        if response.status_code != requests.codes.ok:
            raise MediaError(
                f"{url} answered {response.status_code} to the personal access token: "
                "make a new one under Account & Settings and set TRACKANYTHING_LABEL_STUDIO_API_KEY"
            )
        try:
            access = response.json()["access"]
        except (ValueError, KeyError, TypeError):
            raise MediaError(f"expected an access token from {url}, got something else") from None
        self._access = str(access)
        now = self._clock()
        end = _jwt_claims(self._access).get("exp", now + _DEFAULT_LIFE_SECONDS)
        self._renew_at = max(float(end) - _EARLY_SECONDS, now)


class Connection:
    """Where Label Studio is and how to be let in.

    Args:
        url: address of Label Studio, or "" where it is not known.
        token: legacy or personal access token, or "".
    """

    def __init__(self, url: str = "", token: str = "") -> None:
        self.base_url = url.rstrip("/") + "/" if url else ""
        self._auth = _auth(self.base_url, token)
        self._project = ""

    def within(self, project: str) -> Connection:
        """The same connection, for the pictures of one project.

        Args:
            project: as Label Studio names it in requests: its number, a dot, the time of making.
        """
        inside = copy(self)
        inside._project = project.partition(".")[0]
        return inside

    def resolve(self, address: str) -> str:
        """The whole URL of a picture, as named in a task's data.

        Raises:
            MediaError: a kind of address that cannot be fetched, or Label Studio is not known.
        """
        scheme = urlsplit(address).scheme
        if scheme in ("http", "https"):
            return address
        in_storage = scheme in _STORAGE_SCHEMES and bool(self._project)
        if not (address.startswith("/") or in_storage):
            raise MediaError(
                "expected /data/upload/…, /data/local-files/…, http://… or https://…, or s3://…, "
                f"gs://… or azure-blob://… in a project, as a frame, got {address[:80]!r}"
            )
        if not self.base_url:
            raise MediaError(
                f"{address} lies with Label Studio, whose address is not known: "
                "set TRACKANYTHING_LABEL_STUDIO_URL and TRACKANYTHING_LABEL_STUDIO_API_KEY"
            )
        if in_storage:
            # Label Studio has the keys of its storages: it sends on to a signed address, or hands
            # the file through.
            name = base64.urlsafe_b64encode(address.encode()).decode()
            return urljoin(self.base_url, f"projects/{self._project}/resolve/?fileuri={name}")
        # Behind a path prefix, addresses come with and without it.
        prefix = urlsplit(self.base_url).path
        return urljoin(self.base_url, address.removeprefix(prefix).lstrip("/"))

    def auth_for(self, url: str) -> AuthBase:
        """The token, for addresses of Label Studio's own origin; nothing for all others."""
        if self.base_url and _origin(url) == _origin(self.base_url):
            return self._auth
        return NoToken()


def _auth(base_url: str, token: str) -> AuthBase:
    if not token or not base_url:
        return NoToken()
    return PersonalToken(base_url, token) if _jwt_claims(token) else LegacyToken(token)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


def _jwt_claims(token: str) -> dict[str, Any]:
    """What a JWT says of itself, unchecked; {} where the text is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
