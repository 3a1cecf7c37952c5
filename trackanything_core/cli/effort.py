"""`trackanything evaluate --interactive`: how much human effort a good result costs."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from trackanything_core.cli.cuts import Cuts, cuts_of
from trackanything_core.cli.progress import progress_bar
from trackanything_core.evaluation.annotator import Annotator, Effort
from trackanything_core.evaluation.davis import DavisSequence
from trackanything_core.evaluation.effort import (
    CONVENTION,
    Curve,
    Round,
    Scorer,
    bring_up_to_date,
    correct_in_rounds,
    mean_curve,
)
from trackanything_core.evaluation.effort_plot import check_plotting, plot_effort
from trackanything_core.evaluation.first_masks import Init
from trackanything_core.evaluation.policies import Policy, at_random, evenly, suggested
from trackanything_core.evaluation.replay import ReplayedPropagators
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.tracking.refine import RefineSettings
from trackanything_core.tracking.session import Session
from trackanything_core.types import Prompt
from trackanything_core.video.open import open_source

_RANDOM_RUNS = 3


@dataclass(frozen=True, slots=True)
class Interactive:
    """What is asked of an interactive evaluation.

    Attributes:
        budget: frames to correct in each sequence, besides the first.
        init: the first frame is given, or corrected by the annotator as any other.
        annotator: corrects frames.
        cuts: whether to look for cuts.
        refine: when the segmenter is asked about propagated masks; None never asks.
        plot: where to draw the curves.
    """

    budget: int
    init: Init
    annotator: Annotator
    cuts: Cuts
    refine: RefineSettings | None
    plot: Path | None


def evaluate_effort(
    sequences: Sequence[DavisSequence],
    load: Callable[[], tuple[Segmenter, PropagatorFactory]],
    asked: Interactive,
    *,
    data: Path,
    as_json: bool,
) -> None:
    """Measure every policy on every sequence and print the curves.

    Args:
        sequences: what to annotate.
        load: loads the networks.
        asked: how.
        data: the data set's folder, for the report.
        as_json: print one JSON object in place of a table.

    Raises:
        ConfigError: a plot is asked for and matplotlib is not installed.
    """
    if asked.plot:
        check_plotting()
    segmenter, propagators = load()
    began = time.perf_counter()
    runs: dict[str, list[list[Round]]] = {}
    for sequence in sequences:
        for name, rounds in _annotate(sequence, segmenter, propagators, asked).items():
            runs.setdefault(name, []).extend(rounds)
    seconds = time.perf_counter() - began
    curves = {name: mean_curve(rounds, asked.budget) for name, rounds in runs.items()}
    if asked.plot:
        plot_effort(asked.plot, curves, f"{len(sequences)} videos, {propagators.name} weights")
    if as_json:
        report = {
            "data": str(data),
            "convention": CONVENTION,
            "init": asked.init,
            "cuts": asked.cuts,
            "refine": asked.refine is not None,
            "budget": asked.budget,
            "annotator": dataclasses.asdict(asked.annotator),
            "models": {"segmenter": segmenter.name, "propagator": propagators.name},
            "seconds": round(seconds, 1),
            "policies": {
                name: _as_json(curves[name], rounds, sequences) for name, rounds in runs.items()
            },
        }
        typer.echo(json.dumps(report))
    else:
        _print_table(curves, seconds)


def _annotate(
    sequence: DavisSequence,
    segmenter: Segmenter,
    propagators: PropagatorFactory,
    asked: Interactive,
) -> dict[str, list[list[Round]]]:
    """The rounds of each policy; the random one has several runs."""
    policies: dict[str, list[Policy]] = {
        "suggest": [suggested],
        "uniform": [evenly(asked.budget)],
        "random": [at_random(seed) for seed in range(_RANDOM_RUNS)],
    }
    total = 1 + asked.budget * sum(map(len, policies.values()))
    scorer = Scorer(sequence)
    with (
        open_source(sequence.images) as source,
        closing(ReplayedPropagators(propagators)) as replayed,
        tempfile.TemporaryDirectory() as folder,
        progress_bar(sequence.name) as progress,
    ):
        steps = iter(range(1, total + 1))
        shots = cuts_of(source, asked.cuts)
        session = Session(source, segmenter, replayed, cuts=shots, refine=asked.refine)
        first = _first_round(session, sequence, asked, scorer)
        progress(next(steps), total)
        # Every policy goes on from here; what they share is computed once.
        saved = Path(folder) / "session"
        session.save(saved)
        return {
            name: [
                correct_in_rounds(
                    Session.load(saved, source, segmenter, replayed, refine=asked.refine),
                    sequence,
                    first,
                    policy,
                    asked.budget,
                    asked.annotator,
                    scorer,
                    lambda: progress(next(steps), total),
                )
                for policy in alike
            ]
            for name, alike in policies.items()
        }


def _first_round(
    session: Session, sequence: DavisSequence, asked: Interactive, scorer: Scorer
) -> Round:
    truth = sequence.truth(0)
    if asked.init == "click":
        effort = asked.annotator.correct(session, 0, truth)
    else:
        effort = Effort()
        for name, mask in truth.masks.items():
            session.prompt(Prompt(name, 0, mask=mask))
    return Round(0, effort, bring_up_to_date(session), scorer.score(session))


def _as_json(
    curve: Curve, runs: Sequence[Sequence[Round]], sequences: Sequence[DavisSequence]
) -> dict[str, Any]:
    alike = len(runs) // len(sequences)
    return {
        "area": curve.area,
        "J&F": curve.jf,
        "clicks": curve.clicks,
        "painted": curve.painted,
        "recomputed": curve.recomputed,
        "runs": [
            {
                "sequence": sequences[number // alike].name,
                "frames": [done.frame for done in rounds],
                "clicks": [done.effort.clicks for done in rounds],
                "painted": [done.effort.painted for done in rounds],
                "recomputed": [done.recomputed for done in rounds],
                "J&F": [sum(done.jf) / len(done.jf) for done in rounds],
            }
            for number, rounds in enumerate(runs)
        ],
    }


def _print_table(curves: dict[str, Curve], seconds: float) -> None:
    table = Table(caption=f"{CONVENTION}; {seconds:.0f} s in all")
    table.add_column("corrected frames", justify="right")
    for name in curves:
        for measure in ("J&F", "clicks", "painted"):
            table.add_column(f"{name} {measure}", justify="right")
    count = len(next(iter(curves.values())).jf)
    for at in range(count):
        cells = [str(at)]
        for curve in curves.values():
            cells += [f"{curve.jf[at]:.3f}", f"{curve.clicks[at]:.1f}", f"{curve.painted[at]:.1f}"]
        table.add_row(*cells)
    table.add_section()
    table.add_row(
        "area", *(cell for curve in curves.values() for cell in (f"{curve.area:.3f}", "", ""))
    )
    Console().print(table)
