"""Suggestion, simulated clicks and correction, with the networks that ship with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from trackanything_core.evaluation.annotator import Annotator, Effort
from trackanything_core.evaluation.davis import DavisSequence, read_davis
from trackanything_core.evaluation.effort import Round, Scorer, bring_up_to_date, correct_in_rounds
from trackanything_core.evaluation.jf import region_similarity
from trackanything_core.evaluation.policies import suggested
from trackanything_core.models.registry import load_propagator, load_segmenter
from trackanything_core.tracking.session import Session
from trackanything_core.types import Prompt
from trackanything_core.video.open import open_source

pytestmark = pytest.mark.slow

EVERY = 4
"""Fewer frames, larger motion: quick, and hard enough that there is something to correct."""


@pytest.fixture
def sequence(data_dir: Path, tmp_path: Path) -> DavisSequence:
    for kind in ("JPEGImages", "Annotations"):
        folder = tmp_path / kind / "480p" / "dog"
        folder.mkdir(parents=True)
        for path in sorted((data_dir / "davis_dev" / kind / "480p" / "dog").iterdir())[::EVERY]:
            shutil.copy(path, folder)
    return read_davis(tmp_path)[0]


def test_two_suggested_corrections_make_a_video_better(sequence: DavisSequence) -> None:
    segmenter = load_segmenter("embedded", None, "cpu")
    propagators = load_propagator("embedded", None, "cpu")
    with open_source(sequence.images) as source:
        session = Session(source, segmenter, propagators)
        session.prompt(Prompt("1", 0, mask=sequence.truth(0).masks["1"]))
        recomputed = bring_up_to_date(session)
        scorer, annotator = Scorer(sequence), Annotator()
        start = Round(0, Effort(), recomputed, scorer.score(session))
        rounds = correct_in_rounds(session, sequence, start, suggested, 2, annotator, scorer)
    assert recomputed == len(sequence) - 1
    assert [len(done.jf) for done in rounds] == [1, 1, 1]
    quality = [done.jf[0] for done in rounds]
    assert quality[2] > quality[0] + 0.05
    assert sum(done.effort.clicks for done in rounds) > 0
    for done in rounds[1:]:
        truth, found = sequence.truth(done.frame), session.mask(done.frame, "1")
        assert found is not None
        assert region_similarity(truth.masks["1"], found, truth.void) >= annotator.goal
        assert 0 < done.recomputed < len(sequence)
    assert np.isin([done.frame for done in rounds], session.anchors["1"]).all()
