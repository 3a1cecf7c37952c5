from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from trackanything_core.tracking.soft_mask_file import SoftMaskFile


@pytest.mark.parametrize("most_in_memory", [1 << 20, 100], ids=["in memory", "on disk"])
def test_what_is_put_is_got_back_to_half_a_step_in_any_order(most_in_memory: int) -> None:
    draw = np.random.default_rng(0)
    put = {frame: draw.random((2, 6, 8), np.float32) for frame in (5, 3, 4)}
    with closing(SoftMaskFile(most_in_memory)) as file:
        for frame, probabilities in put.items():
            file.put(frame, probabilities)
        for frame in (3, 5, 4, 3):
            found = file.get(frame)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, put[frame], atol=0.5 / 255 + 1e-6)
        with pytest.raises(KeyError):
            file.get(6)
