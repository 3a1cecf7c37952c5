from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode  # type: ignore[import-untyped]
from torchvision.transforms.functional import resize  # type: ignore[import-untyped]

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from trackanything_core.errors import MaskError, VideoError
from trackanything_core.models.base import (
    Propagator,
    PropagatorFactory,
    SearchingPropagator,
)
from trackanything_core.models.xmem.core import XMemCore
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory, inner_size
from trackanything_core.models.xmem.settings import PropagationSettings

SIZE = (40, 56)


def factory_of(config=OFFICIAL_KIND, internal_size: int | None = 32) -> PropagatorFactory:
    settings = PropagationSettings(internal_size=internal_size, memory_every=2)
    return XMemPropagatorFactory(small_network(config), settings, name="small")


def start(**values) -> Propagator:
    return factory_of(**values).start()


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (*size, 3), dtype=np.uint8)


def disc(x: float, y: float, radius: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


@pytest.mark.parametrize("config", [OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"])
@pytest.mark.parametrize("internal_size", [None, 32, 80])
def test_probabilities_come_back_at_the_size_of_the_picture(config, internal_size):
    propagator = start(config=config, internal_size=internal_size)
    for index in range(4):
        given = {"cat": disc(20, 20, 9)} if index == 0 else None
        probabilities = propagator.step(picture(index), given)
        assert probabilities.shape == (2, *SIZE)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
        assert probabilities.min() >= 0


def test_a_given_mask_comes_back_where_it_was_given():
    mask = disc(30, 22, 12)
    for internal_size in (None, 80):
        answer = start(internal_size=internal_size).step(picture(0), {"cat": mask})
        assert ((answer.argmax(0) == 1) == mask).mean() > 0.98


def test_before_the_first_mask_all_is_background():
    propagator = start()
    assert propagator.step(picture(0)).tolist() == np.ones((1, *SIZE)).tolist()
    assert propagator.object_ids == ()
    given = {"cat": disc(20, 20, 9)}
    late, fresh = propagator.step(picture(1), given), start().step(picture(1), given)
    np.testing.assert_array_equal(late, fresh)


def test_rows_follow_the_order_of_arrival_and_the_name_follows_the_object():
    propagator = start(internal_size=None)
    propagator.step(picture(0), {"dog": disc(40, 20, 8), "cat": disc(12, 20, 8)})
    propagator.step(picture(1))
    answer = propagator.step(picture(2), {"bird": disc(28, 6, 5), "cat": disc(12, 30, 8)})
    assert propagator.object_ids == ("dog", "cat", "bird")
    assert answer.shape[0] == 4
    labels = answer.argmax(0)
    assert labels[30, 12] == 2
    assert labels[6, 28] == 3
    assert propagator.step(picture(3)).shape[0] == 4


def test_at_native_size_it_is_the_core():
    propagator = start(internal_size=None)
    core = XMemCore(small_network(), PropagationSettings(internal_size=None, memory_every=2))
    mask = disc(20, 20, 9)
    for index in range(5):
        given = {"cat": mask} if index == 0 else None
        masks = torch.from_numpy(mask[None].astype(np.float32)) if index == 0 else None
        image = normalise(torch.from_numpy(picture(index)).permute(2, 0, 1))
        ours = propagator.step(picture(index), given)
        theirs = core.step(image, masks, [1] if index == 0 else None)
        np.testing.assert_array_equal(ours, theirs.numpy())


def test_frames_and_masks_are_resized_as_the_official_evaluation_does():
    propagator = start(internal_size=32)
    core = XMemCore(small_network(), PropagationSettings(internal_size=None, memory_every=2))
    mask = disc(20, 20, 9)
    for index in range(3):
        image = normalise(torch.from_numpy(picture(index)).permute(2, 0, 1))
        image = resize(image, [32], InterpolationMode.BILINEAR, antialias=True)
        soft = torch.from_numpy(mask[None].astype(np.float32))
        soft = resize(soft, [32], InterpolationMode.NEAREST)
        inner = core.step(image, soft, [1]) if index == 0 else core.step(image)
        expected = resize(inner, list(SIZE), InterpolationMode.BILINEAR, antialias=False)
        ours = propagator.step(picture(index), {"cat": mask} if index == 0 else None)
        np.testing.assert_allclose(ours, expected.numpy(), atol=1e-5)


def test_passes_of_one_factory_do_not_touch_each_other():
    factory = factory_of()
    given = {"cat": disc(20, 20, 9)}
    alone = factory.start()
    expected = [alone.step(picture(i), given if i == 0 else None) for i in range(4)]
    one, other = factory.start(), factory.start()
    other.step(picture(9), {"dog": disc(5, 5, 4)})
    for index in range(4):
        other.step(picture(10 + index))
        answer = one.step(picture(index), given if index == 0 else None)
        np.testing.assert_array_equal(answer, expected[index])


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (disc(5, 5, 3, (40, 57)), "expected a mask of"),
        (disc(5, 5, 3).astype(np.uint8), "bool, or of float32"),
        (disc(5, 5, 3).astype(np.float32) * 2, "0..1"),
        (np.full(SIZE, np.nan, np.float32), "0..1"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_and_changes_nothing(mask, said):
    propagator, untouched = start(), start()
    for each in (propagator, untouched):
        each.step(picture(0), {"cat": disc(20, 20, 9)})
    with pytest.raises(MaskError, match=said):
        propagator.step(picture(1), {"cat": disc(20, 20, 9), "dog": mask})
    assert propagator.object_ids == ("cat",)
    np.testing.assert_array_equal(propagator.step(picture(1)), untouched.step(picture(1)))


def test_a_picture_that_does_not_fit_is_refused():
    propagator = start()
    with pytest.raises(VideoError, match="uint8"):
        propagator.step(picture(0).astype(np.float32))
    propagator.step(picture(0), {"cat": disc(20, 20, 9)})
    with pytest.raises(VideoError, match="start a new pass"):
        propagator.step(picture(1, (40, 57)))


def test_an_absent_object_may_be_given_an_empty_mask():
    propagator = start()
    propagator.step(picture(0), {"cat": np.zeros(SIZE, bool), "dog": disc(20, 20, 9)})
    assert np.isfinite(propagator.step(picture(1))).all()


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((480, 854), 480, (480, 854)),
        ((1080, 1920), 480, (480, 853)),
        ((1920, 1080), 480, (853, 480)),
        ((100, 100), 480, (480, 480)),
        ((40, 56), None, (40, 56)),
        ((1, 4000), 480, (1, 1920)),
        ((4000, 2), 480, (1920, 1)),
    ],
)
def test_the_inner_size_has_the_wanted_short_side_but_never_grows_beyond_bounds(
    size, short_side, expected
):
    assert inner_size(size, short_side) == expected


def test_of_a_frame_that_is_only_looked_at_nothing_stays():
    looking, plain = start(), start()
    assert isinstance(looking, SearchingPropagator)
    assert isinstance(plain, SearchingPropagator)
    for propagator in (looking, plain):
        propagator.remember(picture(9), {"cat": disc(20, 20, 9)}, step=-3)
    seen = looking.look(picture(1))
    assert seen.shape == (2, *SIZE)
    looking.look(picture(2))
    np.testing.assert_array_equal(looking.look(picture(3)), plain.look(picture(3)))
