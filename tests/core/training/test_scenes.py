"""The recipe of training scenes, seen in the layers it stacks."""

from __future__ import annotations

import numpy as np

from tests.core.training.pictures import picture_with_things, picture_without_things
from trackanything_core.synthetic.layers import paint
from trackanything_core.training.scenes import random_scene

SIZE, FRAMES, SCENES = 64, 3, 200


def scenes():
    images = [picture_with_things()]
    for seed in range(SCENES):
        yield random_scene(np.random.default_rng(seed), images, size=SIZE, frames=FRAMES)


def test_every_scene_has_one_backdrop_a_first_object_and_a_pose_for_every_frame() -> None:
    for layers in scenes():
        assert layers[0].endless
        assert layers[0].label == 0
        labels = [layer.label for layer in layers if layer.label]
        assert sorted(labels) in ([1], [1, 2])
        assert all(len(layer.poses) == FRAMES for layer in layers)
        assert all(len(layer.bends) in (0, FRAMES) for layer in layers)


def test_a_third_of_the_scenes_are_whole_pictures_and_the_others_move_apart() -> None:
    whole = 0
    for layers in scenes():
        first_object = next(layer for layer in layers if layer.label == 1)
        if first_object.region:
            whole += 1
            assert first_object.poses == layers[0].poses
            assert first_object.bends == layers[0].bends
        else:
            assert first_object.poses != layers[0].poses
    assert 0.25 < whole / SCENES < 0.45


def test_occluders_only_ever_take_from_the_objects() -> None:
    occluded = 0
    for layers in scenes():
        for frame in range(FRAMES):
            _, seen = paint(layers, frame, SIZE, SIZE)
            _, bare = paint([x for x in layers if x.label or x.endless], frame, SIZE, SIZE)
            for label in (1, 2):
                assert not ((seen == label) & (bare != label)).any()
            occluded += int((seen != bare).any())
    assert occluded > SCENES * FRAMES / 10


def test_a_whole_picture_shows_no_trace_of_what_is_labelled_in_it() -> None:
    """Else a network would learn to find the trace instead of the object."""
    layers = next(x for x in scenes() if x[1].region)
    picture, owner = paint(layers[:2], 0, SIZE, SIZE)
    plain, _ = paint(layers[:1], 0, SIZE, SIZE)
    np.testing.assert_array_equal(picture, plain)
    assert (owner == 1).any()


def test_without_a_thing_to_cut_out_shapes_are_drawn() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        layers = random_scene(rng, [picture_without_things()], size=SIZE, frames=FRAMES)
        assert any(layer.label == 1 for layer in layers)
