"""Rendered scenes of the unseen split."""

import numpy as np
import pytest

from explorer.evaluation.picture_metrics import gradient_energy
from explorer.evaluation.world_scenes import WorldSource


@pytest.mark.parametrize("size", [(64, 48), (64, 32)])
def test_pixels_are_square_in_every_shape_of_picture(size: tuple[int, int]) -> None:
    scene = WorldSource(0, 2, size).scene(0)
    lens = scene.photo.camera.intrinsics
    assert lens.fx * size[0] == pytest.approx(lens.fy * size[1])


def test_a_sharp_photo_is_as_sharp_in_its_own_pixels() -> None:
    """World 3 has a lens that blurs: at 512 pixels, by half as many."""
    soft, sharp = (WorldSource(3, 2, (512, 288), sharp=each).scene(0) for each in (False, True))
    np.testing.assert_array_equal(soft.photo.depth, sharp.photo.depth)
    everywhere = np.ones((288, 512), bool)
    energy = [gradient_energy(each.photo.colours, everywhere) for each in (soft, sharp)]
    assert energy[1] > 1.05 * energy[0]
    at_256 = [
        WorldSource(3, 2, (256, 144), sharp=each).scene(0).photo.rgb for each in (False, True)
    ]
    np.testing.assert_array_equal(*at_256)
