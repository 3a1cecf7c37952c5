"""The pictures of the editor on these pages, from what the end-to-end tests leave in out/e2e.

uv run pytest -m e2e && python docs/screenshots.py
"""

from __future__ import annotations

from pathlib import Path

import cv2

ROOT = Path(__file__).parent.parent
WIDTH = 960
NAMES = {
    "a1-click": "click",
    "a2-negative-click": "negative-click",
    "b2-middle": "track",
    "d1-corrected": "correct",
    "e1-painted": "paint",
    "f1-prediction": "prediction",
    "h1-error": "error",
    "n1-next": "next",
    "template-frames-bitmask": "frames-bitmask",
    "template-frames-bitmask-box": "frames-bitmask-box",
    "template-frames-brush": "frames-brush",
    "template-video-boxes": "video-boxes",
    "template-video-vectors": "video-vectors",
}


def main() -> None:
    """Make the pictures small; those that no test has left stay as they are."""
    target = ROOT / "docs" / "screenshots"
    target.mkdir(exist_ok=True)
    for source, name in NAMES.items():
        picture = cv2.imread(str(ROOT / "out" / "e2e" / f"{source}.png"))
        if picture is None:
            continue
        height, width = picture.shape[:2]
        size = (WIDTH, round(height * WIDTH / width))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(target / f"{name}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
