"""The card of the embedded weights, written from what the files and the evaluation say.

python -m trackanything_core.training.model_card --data COCO --davis DAVIS --mask mask.json \
    --click 1.json --click 3.json --click 5.json --speed speed.json --log xmem.csv sam.csv \
    --notes notes.json --out docs/embedded-weights.md

Its scores are those that `trackanything evaluate` prints with `--json`, its speeds those of
`benchmarks/propagator_speed.py --json`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trackanything_core.models.registry import EMBEDDED_FOLDER
from trackanything_core.models.weights import load_metadata, load_state_dict
from trackanything_core.training.coco import FREE_LICENCES, load_coco
from trackanything_core.training.curves import plot_curves
from trackanything_core.training.failures import draw_failures
from trackanything_core.training.run import TRAINING

_TEMPLATE = Path(__file__).with_name("model_card.txt")
_CURVES = {"XMem, dice loss": "dice", "SAM, mask loss": "mask_loss"}


def write_card(
    data: Path,
    mask: Mapping[str, Any],
    clicks: Sequence[Mapping[str, Any]],
    speed: Mapping[str, Any],
    notes: Mapping[str, Sequence[str]],
    pictures: Mapping[str, str],
) -> str:
    """The text of the card.

    Args:
        data: folder of the training pictures, for their licences.
        mask: what `evaluate --init mask --baseline flow --json` printed.
        clicks: what `evaluate --init click --json` printed, for several numbers of clicks.
        speed: what `benchmarks/propagator_speed.py --json` printed.
        notes: lists of sentences, "chosen" and "tried": what only who trained the weights knows.
        pictures: "curves" and "failures", links to the pictures.
    """
    images = load_coco(data)
    licences = Counter(image.license_id in FREE_LICENCES for image in images)
    files = sorted(EMBEDDED_FOLDER.glob("*.safetensors"))
    return _TEMPLATE.read_text(encoding="utf-8").format(
        files=_files(files),
        size=sum(path.stat().st_size for path in files) / 1e6,
        pictures=f"{len(images)} pictures",
        count=len(mask["results"]["ours"]["sequences"]),
        scores=_scores(mask),
        clicks=_clicks(clicks, mask),
        speed=_speed(speed),
        chosen=_bullets(notes["chosen"]),
        tried=_bullets(notes["tried"]),
        total=len(images),
        noncommercial=licences[False],
        free=licences[True],
        **pictures,
    )


def _files(paths: Sequence[Path]) -> str:
    rows = [
        "| file | MB | parameters | leg | steps | seed | minutes | on |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in paths:
        parameters = sum(tensor.numel() for tensor in load_state_dict(path).values())
        for number, leg in enumerate(_legs(load_metadata(path)[TRAINING]), start=1):
            rows.append(
                f"| `{path.name}` | {path.stat().st_size / 1e6:.1f} | {parameters / 1e6:.2f} M | "
                f"{number} | {leg['steps']} | {leg['seed']} | {leg['minutes']:.0f} | "
                f"{leg['hardware']} |"
            )
    return "\n".join(rows)


def _legs(training: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The runs that weights went through, the first one first."""
    if "after" in training:
        yield from _legs(training["after"])
    yield training


def _scores(report: Mapping[str, Any]) -> str:
    ours, flow = (report["results"][name] for name in ("ours", "flow"))
    rows = ["| sequence | J | F | J&F | flow J&F |", "|---|---|---|---|---|"]
    for name, a, b in [
        *((s["name"], s, t) for s, t in zip(ours["sequences"], flow["sequences"], strict=True)),
        ("**mean**", ours["mean"], flow["mean"]),
    ]:
        rows.append(f"| {name} | {a['J']:.3f} | {a['F']:.3f} | {a['J&F']:.3f} | {b['J&F']:.3f} |")
    return "\n".join(rows)


def _clicks(reports: Sequence[Mapping[str, Any]], mask: Mapping[str, Any]) -> str:
    rows = [
        "| clicks | IoU on the first frame | J&F | below the true mask by |",
        "|---|---|---|---|",
    ]
    best = mask["results"]["ours"]["mean"]["J&F"]
    for report in reports:
        ours = report["results"]["ours"]
        objects = [scored for sequence in ours["sequences"] for scored in sequence["objects"]]
        first = sum(scored["first_iou"] for scored in objects) / len(objects)
        jf = ours["mean"]["J&F"]
        rows.append(f"| {report['clicks']} | {first:.3f} | {jf:.3f} | {best - jf:.3f} |")
    return "\n".join(rows)


def _speed(measured: Mapping[str, Any]) -> str:
    return (
        f"{measured['embedded_s_per_frame']:.2f} s per frame of 854x480 with one object, where the "
        f"full XMem takes {measured['full_s_per_frame']:.2f} s: {measured['ratio']:.0f} times "
        f"faster, on {measured['threads']} CPU thread{'s'[: measured['threads'] > 1]}."
    )


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"* {sentence}" for sentence in sentences)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="training pictures")
    parser.add_argument("--davis", type=Path, required=True, help="sequences to fail on")
    parser.add_argument("--mask", type=Path, required=True, help="evaluate --baseline flow")
    parser.add_argument("--click", type=Path, action="append", required=True, help="repeat")
    parser.add_argument("--speed", type=Path, required=True)
    parser.add_argument(
        "--log", type=Path, nargs=2, required=True, help="log.csv of XMem, and of SAM"
    )
    parser.add_argument("--notes", type=Path, required=True, help='{"chosen": […], "tried": […]}')
    parser.add_argument("--out", type=Path, required=True, help="pictures are put beside it")
    arguments = parser.parse_args()
    given = {
        name: json.loads(getattr(arguments, name).read_text(encoding="utf-8"))
        for name in ("mask", "speed", "notes")
    }
    clicks = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.click]
    out: Path = arguments.out
    pictures = {"curves": f"{out.stem}-curves.png", "failures": f"{out.stem}-failures.jpg"}
    plot_curves(
        out.with_name(pictures["curves"]),
        {
            title: (log, column)
            for (title, column), log in zip(_CURVES.items(), arguments.log, strict=True)
        },
    )
    draw_failures(arguments.davis, out.with_name(pictures["failures"]))
    out.write_text(write_card(arguments.data, clicks=clicks, pictures=pictures, **given))


if __name__ == "__main__":
    main()
