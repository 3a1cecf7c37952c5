"""The card of the embedded weights, written from what the files and the evaluation say.

Its scores are those that `trackanything evaluate` prints with `--json`; see the options below.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trackanything_core.models.registry import EMBEDDED_FOLDER
from trackanything_core.models.weights import load_metadata, load_state_dict
from trackanything_core.training.coco import FREE_LICENCES, load_coco

_TEMPLATE = Path(__file__).with_name("model_card.txt")


def write_card(data: Path, mask: dict[str, Any], click: dict[str, Any]) -> str:
    """The text of the card.

    Args:
        data: folder of the training pictures, for their licences.
        mask: what `evaluate --init mask --baseline flow --json` printed.
        click: what `evaluate --init click --json` printed.
    """
    pictures = load_coco(data)
    licences = Counter(picture.license_id in FREE_LICENCES for picture in pictures)
    firsts = [
        scored["first_iou"]
        for sequence in click["results"]["ours"]["sequences"]
        for scored in sequence["objects"]
    ]
    return _TEMPLATE.read_text().format(
        files=_files(sorted(EMBEDDED_FOLDER.glob("*.safetensors"))),
        pictures=f"{len(pictures)} pictures",
        count=len(mask["results"]["ours"]["sequences"]),
        scores=_scores(mask),
        clicks=click["clicks"],
        plural="" if click["clicks"] == 1 else "s",
        first_iou=sum(firsts) / len(firsts),
        click_jf=click["results"]["ours"]["mean"]["J&F"],
        total=len(pictures),
        noncommercial=licences[False],
        free=licences[True],
    )


def _files(paths: Sequence[Path]) -> str:
    rows = [
        "| file | MB | parameters | steps | seed | minutes | on |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in paths:
        parameters = sum(tensor.numel() for tensor in load_state_dict(path).values())
        training = load_metadata(path)["training"]
        rows.append(
            f"| `{path.name}` | {path.stat().st_size / 1e6:.1f} | {parameters / 1e6:.2f} M | "
            f"{training['steps']} | {training['seed']} | {training['minutes']:.0f} | "
            f"{training['hardware']} |"
        )
    return "\n".join(rows)


def _scores(report: dict[str, Any]) -> str:
    ours, flow = (report["results"][name] for name in ("ours", "flow"))
    rows = ["| sequence | J | F | J&F | flow J&F |", "|---|---|---|---|---|"]
    for name, a, b in [
        *((s["name"], s, t) for s, t in zip(ours["sequences"], flow["sequences"], strict=True)),
        ("**mean**", ours["mean"], flow["mean"]),
    ]:
        rows.append(f"| {name} | {a['J']:.3f} | {a['F']:.3f} | {a['J&F']:.3f} | {b['J&F']:.3f} |")
    return "\n".join(rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="training pictures")
    parser.add_argument(
        "--mask", type=Path, required=True, help="evaluate --init mask --baseline flow --json"
    )
    parser.add_argument(
        "--click", type=Path, required=True, help="evaluate --init click --clicks N --json"
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    mask, click = (json.loads(path.read_text()) for path in (arguments.mask, arguments.click))
    arguments.out.write_text(write_card(arguments.data, mask, click))


if __name__ == "__main__":
    main()
