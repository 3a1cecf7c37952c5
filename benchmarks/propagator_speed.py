"""How much faster the embedded XMem is than the full one on this machine, frame by frame.

python benchmarks/propagator_speed.py --threads 2

The full network has random weights, which take as long as trained ones. Both are run in their
default profile on the same noise of 480p, with one object. Speeds vary on a busy machine, so
the two take turns and medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import trackanything_core  # noqa: F401  # before torch, which then waits as it does in the product

# isort: split
import numpy as np
import torch

from trackanything_core.models.base import Propagator, PropagatorFactory
from trackanything_core.models.registry import EMBEDDED_FOLDER, load_propagator
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings
from trackanything_core.types import Image

HEIGHT, WIDTH = 480, 854


def main() -> None:
    """Print seconds per frame of both, their ratio, and what loading the embedded weights costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm-up", type=int, default=25, help="frames that fill the memory")
    parser.add_argument("--frames", type=int, default=10, help="frames that are timed")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    began = time.perf_counter()
    embedded = load_propagator(device="cpu")
    loading = time.perf_counter() - began
    torch.manual_seed(0)
    network = XMemNetwork(NetworkConfig()).eval().requires_grad_(False)
    full = XMemPropagatorFactory(network, PropagationSettings(), name="full")
    passes = [_begin(factory, arguments.warm_up) for factory in (embedded, full)]
    seconds: list[list[float]] = [[], []]
    for frame in range(arguments.frames):
        for taken, running in zip(seconds, passes, strict=True):
            picture = _picture(arguments.warm_up + frame)
            began = time.perf_counter()
            running.step(picture)
            taken.append(time.perf_counter() - began)
    narrow, wide = (statistics.median(taken) for taken in seconds)
    megabytes = sum(path.stat().st_size for path in EMBEDDED_FOLDER.glob("*.safetensors")) / 1e6
    result = {
        "threads": arguments.threads,
        "embedded_s_per_frame": narrow,
        "full_s_per_frame": wide,
        "ratio": wide / narrow,
        "embedded_load_s": loading,
        "embedded_weights_mb": megabytes,
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"embedded: {narrow:.3f} s per frame; full: {wide:.3f} s; {wide / narrow:.1f} times")
    print(f"loading the embedded XMem: {loading:.2f} s; embedded weights: {megabytes:.1f} MB")


def _begin(factory: PropagatorFactory, frames: int) -> Propagator:
    """A pass whose memory is as full as it stays, with the first object that is at hand."""
    running = factory.start()
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[120:360, 300:500] = True
    running.step(_picture(0), {"object": mask})
    for frame in range(1, frames):
        running.step(_picture(frame))
    return running


def _picture(frame: int) -> Image:
    return np.random.default_rng(frame).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


if __name__ == "__main__":
    main()
