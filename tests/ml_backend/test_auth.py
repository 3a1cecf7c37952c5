"""Tokens: which header, to whom, and when a new one is bought."""

from __future__ import annotations

import base64
import json
import threading

import pytest
import requests
from werkzeug.wrappers import Request, Response

from ml_backend.auth import Connection, PersonalToken
from ml_backend.errors import MediaError
from tests.ml_backend.web import serve


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.c2lnbmF0dXJl"


PERSONAL = jwt(token_type="refresh", exp=8_000_000_000)


def header(connection: Connection, url: str) -> str | None:
    request = requests.Request("GET", url, auth=connection.auth_for(url)).prepare()
    return request.headers.get("Authorization")


def test_a_legacy_token_is_sent_as_it_is() -> None:
    connection = Connection("http://ls:8080", "abc")
    assert header(connection, "http://ls:8080/data/upload/1/a.jpg") == "Token abc"


@pytest.mark.parametrize(
    "url",
    [
        "http://other:8080/a.jpg",
        "http://ls/a.jpg",
        "http://ls:8081/a.jpg",
        "https://ls:8080/a.jpg",
        "http://ls.evil.example:8080/a.jpg",
        "http://ls:8080@evil.example/a.jpg",
    ],
)
def test_other_origins_get_no_token(url: str) -> None:
    assert header(Connection("http://ls:8080", "abc"), url) is None


def test_default_ports_are_the_same_origin() -> None:
    assert header(Connection("https://ls", "abc"), "https://ls:443/a.jpg") == "Token abc"


@pytest.mark.parametrize(
    ("base", "address", "url"),
    [
        ("http://ls:8080", "/data/upload/1/a.jpg", "http://ls:8080/data/upload/1/a.jpg"),
        (
            "http://ls:8080/",
            "/data/local-files/?d=x/a.jpg",
            "http://ls:8080/data/local-files/?d=x/a.jpg",
        ),
        ("http://h/ls", "/data/upload/1/a.jpg", "http://h/ls/data/upload/1/a.jpg"),
        ("http://h/ls/", "/ls/data/upload/1/a.jpg", "http://h/ls/data/upload/1/a.jpg"),
        ("", "https://web/a.jpg", "https://web/a.jpg"),
    ],
)
def test_addresses_become_urls(base: str, address: str, url: str) -> None:
    assert Connection(base).resolve(address) == url


@pytest.mark.parametrize("address", ["s3://bucket/a.jpg", "file:///etc/passwd", "a.jpg", ""])
def test_other_kinds_of_addresses_are_refused(address: str) -> None:
    with pytest.raises(MediaError, match="expected /data/upload"):
        Connection("http://ls").resolve(address)


def test_uploads_need_to_know_label_studio() -> None:
    with pytest.raises(MediaError, match="TRACKANYTHING_LABEL_STUDIO_URL"):
        Connection().resolve("/data/upload/1/a.jpg")


def test_a_personal_token_buys_access_and_keeps_it_until_shortly_before_its_end() -> None:
    now = [1000.0]
    sold: list[str] = []

    def answer(request: Request) -> Response:
        assert request.path == "/api/token/refresh/"
        assert request.get_json() == {"refresh": PERSONAL}
        sold.append(jwt(exp=now[0] + 300, number=len(sold)))
        return Response(json.dumps({"access": sold[-1]}), content_type="application/json")

    with serve(answer) as site:
        token = PersonalToken(site.url + "/", PERSONAL, clock=lambda: now[0])

        def sent() -> str:
            return token(requests.Request("GET", site.url).prepare()).headers["Authorization"]

        first = sent()
        now[0] += 269
        assert sent() == first == f"Bearer {sold[0]}"
        now[0] += 2
        assert sent() == f"Bearer {sold[1]}"
        assert len(site.requests) == 2
        # What buys the token goes in the body alone.
        assert [authorization for _, authorization in site.requests] == [None, None]


def test_many_threads_buy_once() -> None:
    access = Response(json.dumps({"access": jwt(exp=8e9)}), content_type="application/json")
    with serve(lambda _: access) as site:
        connection = Connection(site.url, PERSONAL)
        threads = [
            threading.Thread(target=header, args=(connection, site.url + "/a.jpg"))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response("no", status=401), "answered 401 to the personal access token"),
        (Response("", status=302, headers={"Location": "http://evil.example/"}), "answered 302"),
        (Response("[]", content_type="application/json"), "expected an access token"),
        (Response("<html>"), "expected an access token"),
    ],
)
def test_a_refused_personal_token_says_so_without_naming_it(
    response: Response, message: str
) -> None:
    with serve(lambda _: response) as site:
        connection = Connection(site.url, PERSONAL)
        with pytest.raises(MediaError, match=message) as caught:
            header(connection, site.url + "/a.jpg")
    assert PERSONAL not in str(caught.value)


def test_an_unreachable_label_studio_says_so() -> None:
    with serve(lambda _: Response("")) as site:
        pass
    with pytest.raises(MediaError, match="cannot reach"):
        header(Connection(site.url, PERSONAL), site.url + "/a.jpg")


def test_a_token_with_dots_need_not_be_a_jwt() -> None:
    assert header(Connection("http://ls", "a.b.c"), "http://ls/x") == "Token a.b.c"
