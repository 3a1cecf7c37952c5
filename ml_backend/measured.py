"""Clocks on the networks, for `/metrics`.

The methods of the very objects are replaced, so that what else they can do stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ml_backend.metrics import Metrics, Stage
from trackanything_core.models.base import PropagatorFactory, Segmenter


def measure_segmenter(segmenter: Segmenter, metrics: Metrics) -> None:
    """Time the encoding of pictures and the answers to prompts, and count what was encoded yet."""
    _time(segmenter, "embed", "embed", metrics)
    _time(segmenter, "segment", "segment", metrics)
    answer, embed = segmenter.segment, segmenter.embed
    embedded = 0

    @functools.wraps(embed)
    def counted_embed(*args: Any, **kwargs: Any) -> Any:
        nonlocal embedded
        embedded += 1
        return embed(*args, **kwargs)

    @functools.wraps(answer)
    def counted_answer(*args: Any, **kwargs: Any) -> Any:
        nonlocal embedded
        metrics.cached("embeddings", hits=not embedded, misses=bool(embedded))
        embedded = 0
        return answer(*args, **kwargs)

    _replace(segmenter, "embed", counted_embed)
    _replace(segmenter, "segment", counted_answer)


def measure_propagators(propagators: PropagatorFactory, metrics: Metrics) -> None:
    """Time each frame of each pass."""
    for name in ("start", "resume"):
        make = getattr(propagators, name, None)
        if make is not None:
            _replace(propagators, name, _measuring(make, metrics))


def _measuring(make: Callable[..., Any], metrics: Metrics) -> Callable[..., Any]:
    @functools.wraps(make)
    def measured(*args: Any, **kwargs: Any) -> Any:
        propagator = make(*args, **kwargs)
        _time(propagator, "step", "propagate", metrics)
        return propagator

    return measured


def _time(thing: object, method: str, stage: Stage, metrics: Metrics) -> None:
    function = getattr(thing, method)

    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with metrics.stage(stage):
            return function(*args, **kwargs)

    _replace(thing, method, timed)


def _replace(thing: object, method: str, function: Callable[..., Any]) -> None:
    setattr(thing, method, function)
