"""Pictures come over HTTP with a token for Label Studio alone, and only pictures are kept."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
from werkzeug.wrappers import Request, Response

from ml_backend.auth import Connection
from ml_backend.errors import MediaError
from ml_backend.file_cache import FileCache
from ml_backend.media import Media, frame_addresses
from tests.ml_backend.web import serve


def picture(value: int) -> bytes:
    return bytes(cv2.imencode(".png", np.full((4, 6, 3), value, np.uint8))[1])


def numbered_picture(request: Request) -> Response:
    return Response(picture(int(request.path[-1])), content_type="image/png")


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(FileCache(tmp_path, limit=10**6), file_limit=10_000)


def test_fetches_in_order_with_the_token_and_keeps_the_files(media: Media) -> None:
    with serve(numbered_picture) as site:
        connection = Connection(site.url, "abc")
        addresses = [f"/data/upload/1/{i}" for i in range(5)] + ["/data/local-files/?d=5"]
        addresses[-1] = "/data/local-files/5"
        lease = media.lease(addresses, connection)
        values = [int(np.asarray(cv2.imread(str(path)))[0, 0, 0]) for path in lease.paths]
        assert values == list(range(6))
        media.lease(addresses, connection)
        assert sorted(site.requests) == sorted((address, "Token abc") for address in addresses)


def test_tokens_do_not_cross_a_redirect(media: Media) -> None:
    with serve(numbered_picture) as other:

        def redirect(request: Request) -> Response:
            inside = request.path == "/data/upload/1/3"
            target = "/inside/3" if inside else f"{other.url}/4?signature=s"
            is_end = request.path.startswith("/inside")
            return (
                numbered_picture(request)
                if is_end
                else Response(status=302, headers={"Location": target})
            )

        with serve(redirect) as site:
            media.lease(["/data/upload/1/3", "/data/upload/1/4"], Connection(site.url, "abc"))
            assert sorted(site.requests, key=str) == [
                ("/data/upload/1/3", "Token abc"),
                ("/data/upload/1/4", "Token abc"),
                ("/inside/3", None),
            ]
        assert other.requests == [("/4?signature=s", None)]


@pytest.mark.parametrize("address", ["s3://bucket/a 3", "gs://bucket/3", "azure-blob://box/3"])
def test_label_studio_resolves_its_storages_and_the_signed_address_gets_no_token(
    media: Media, address: str
) -> None:
    with serve(numbered_picture) as storage:
        signed = Response(status=303, headers={"Location": f"{storage.url}/3?signature=s"})
        with serve(lambda _: signed) as site:
            media.lease([address], Connection(site.url, "abc").within("7.1795218303"))
            ((asked, token),) = site.requests
        path, _, name = asked.partition("?fileuri=")
        assert (path, token) == ("/projects/7/resolve/", "Token abc")
        assert base64.urlsafe_b64decode(unquote(name)).decode() == address
        assert storage.requests == [("/3?signature=s", None)]


def test_label_studio_may_hand_the_file_through(media: Media) -> None:
    with serve(lambda _: Response(picture(5))) as site:
        lease = media.lease(["s3://bucket/5"], Connection(site.url, "abc").within("7.1"))
        assert np.asarray(cv2.imread(str(lease.paths[0])))[0, 0, 0] == 5


def test_no_token_reaches_the_log(media: Media, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    answers = {"/data/1": Response(picture(1)), "/data/2": Response("no", status=403)}
    with serve(lambda request: answers[request.path]) as site:
        connection = Connection(site.url, "top-secret-token")
        media.lease(["/data/1"], connection)
        with pytest.raises(MediaError) as caught:
            media.lease(["/data/2"], connection)
    assert [token for _, token in site.requests] == ["Token top-secret-token"] * 2
    assert "top-secret-token" not in caplog.text + str(caught.value)


def test_other_hosts_get_no_token(media: Media) -> None:
    with serve(numbered_picture) as site:
        media.lease([f"{site.url}/1"], Connection("http://ls.invalid", "abc"))
        assert site.requests == [("/1", None)]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response("no", status=404), "answered 404$"),
        (Response("no", status=401), "answered 401: set TRACKANYTHING_LABEL_STUDIO_URL"),
        (Response("<html>log in</html>"), "expected a picture at .*, got 19 bytes that are none"),
        (Response(b""), "got 0 bytes"),
        (Response(bytes(20_000)), "at most 10000 bytes"),
        (Response(status=302, headers={"Location": "file:///etc/passwd"}), "refused to follow"),
        (Response(status=302, headers={"Location": "/again"}), "gave up after 5 redirects"),
    ],
    ids=["missing", "refused", "page", "empty", "large", "other-scheme", "circle"],
)
def test_refusals_leave_nothing_and_show_no_secrets(
    media: Media, tmp_path: Path, response: Response, message: str
) -> None:
    with serve(lambda _: response) as site, pytest.raises(MediaError, match=message) as caught:
        media.lease([f"{site.url}/1?signature=secret"], Connection(site.url, "abc"))
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_host_is_named_without_its_query(media: Media) -> None:
    with serve(lambda _: Response()) as site:
        pass
    with pytest.raises(MediaError, match=r"cannot fetch http://127.0.0.1/1: ConnectionError$"):
        media.lease([f"{site.url}/1?signature=secret"], Connection())


@pytest.mark.parametrize(
    "data", [{}, {"frames": []}, {"frames": "a.jpg"}, {"frames": [1]}, {"frames": None}]
)
def test_a_task_must_list_its_frames(data: dict[str, object]) -> None:
    with pytest.raises(MediaError, match=r"a list of addresses in data\.frames"):
        frame_addresses(data, "frames")


def test_frames_in_order() -> None:
    assert frame_addresses({"f": ["b", "a"]}, "f") == ("b", "a")
