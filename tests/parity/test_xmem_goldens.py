"""Our XMem reproduces every recorded run of the official code."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.parity.compare import differences
from tests.parity.goldens import COMMITTED, Golden, goldens_in, keys_of, parameters
from tests.parity.replay import replay
from tests.parity.standin_weights import standin_weights
from trackanything_core.models.xmem.network import XMemNetwork

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("golden", parameters())
def test_a_recorded_run_is_reproduced(golden: Golden, monkeypatch):
    assert list(differences(golden, replay(golden, monkeypatch))) == []


@pytest.mark.parametrize(
    "name", ["argmax", "prob_f32_t9", "work_size", "cons0_indices", "dbg_value"]
)
def test_the_comparison_notices_a_difference(name):
    golden = next(golden for golden in goldens_in(COMMITTED) if golden.name == "s3_longterm")
    recorded = golden.arrays()
    assert list(differences(golden, recorded)) == []
    wrong = recorded | {name: recorded[name] + np.asarray(1, recorded[name].dtype)}
    assert [line.split(":")[0] for line in differences(golden, wrong)] == [name]
    del recorded[name]
    assert list(differences(golden, recorded)) == [f"{name}: recorded, but not replayed"]


@pytest.mark.parametrize("salt", ["", "heldout"])
def test_standin_weights_are_those_of_the_recordings(salt):
    checks = json.loads((COMMITTED / "weights_check.json").read_text())
    weights = standin_weights(keys_of(COMMITTED), salt)
    for name, check in checks[salt or "(empty)"]["arrays"].items():
        array = weights[name].astype(np.float64)
        tolerance = 1e-6 * check["abs_sum"]
        assert array.sum() == pytest.approx(check["sum"], abs=tolerance), name
        assert np.abs(array).sum() == pytest.approx(check["abs_sum"], abs=tolerance), name
        assert array.ravel()[:3].tolist() == pytest.approx(check["first3"], rel=1e-6), name


def test_the_official_layout_is_ours_name_by_name():
    with torch.device("meta"):
        own = XMemNetwork().state_dict()
    official = {entry["key"]: entry for entry in keys_of(COMMITTED)}
    assert own.keys() == official.keys()
    for name, tensor in own.items():
        assert tuple(tensor.shape) == tuple(official[name]["shape"]), name
        assert str(tensor.dtype) == f"torch.{official[name]['dtype']}", name
