"""Rendered scenes of the unseen split."""

import pytest

from explorer.evaluation.world_scenes import WorldSource


@pytest.mark.parametrize("size", [(64, 48), (64, 32)])
def test_pixels_are_square_in_every_shape_of_picture(size: tuple[int, int]) -> None:
    scene = WorldSource(0, 2, size).scene(0)
    lens = scene.photo.camera.intrinsics
    assert lens.fx * size[0] == pytest.approx(lens.fy * size[1])
