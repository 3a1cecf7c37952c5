"""Put frames of a video side by side into one picture: the pictures of these pages are made so.

python docs/contact_sheet.py out/demo/overlay.mp4 docs/demo.jpg --frames 0 16 32 47
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from trackanything_core.video.open import open_source


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--frames", type=int, nargs="+", required=True)
    parser.add_argument("--height", type=int, default=240, help="of each frame, in pixels")
    arguments = parser.parse_args()
    with open_source(arguments.video) as source:
        height, width = source.size
        size = (round(width * arguments.height / height), arguments.height)
        frames = [
            cv2.resize(source.read(frame), size, interpolation=cv2.INTER_AREA)
            for frame in arguments.frames
        ]
    sheet = np.concatenate(frames, axis=1)
    cv2.imwrite(str(arguments.picture), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
