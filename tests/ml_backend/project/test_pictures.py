"""Frames become files that are exact, and are named after the content of the video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ml_backend.project.pictures import PictureFormat, encode_picture, video_key


def test_png_gives_back_the_pixels_and_jpeg_almost() -> None:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (6, 8, 3), np.uint8)
    image = np.asarray(cv2.resize(small, (64, 48), interpolation=cv2.INTER_CUBIC), np.uint8)
    for format, tolerance in ((PictureFormat.PNG, 0), (PictureFormat.JPEG, 4)):
        data = np.frombuffer(encode_picture(image, format), np.uint8)
        back = cv2.cvtColor(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
        assert np.abs(back.astype(int) - image).mean() <= tolerance


def test_names_follow_the_content_and_not_the_path(tmp_path: Path) -> None:
    for name, content in (("a.mp4", b"one"), ("b.mp4", b"one"), ("c.mp4", b"two")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (video_key(tmp_path / f"{name}.mp4", PictureFormat.PNG) for name in "abc")
    assert a == b != c
    assert a.picture(7) == f"{a.digest}-000007.png"
    jpeg = video_key(tmp_path / "a.mp4", PictureFormat.JPEG)
    assert {a.session(1, 9), jpeg.session(1, 9), a.session(2, 9), a.session(1, 8)} == {
        f"video-1-{a.digest}-png-9",
        f"video-1-{a.digest}-jpeg-9",
        f"video-2-{a.digest}-png-9",
        f"video-1-{a.digest}-png-8",
    }
