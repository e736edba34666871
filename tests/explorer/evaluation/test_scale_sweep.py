from typing import Any

import numpy as np
import pytest

from explorer.evaluation.scale_sweep import coarse_scales, fine_scales, sweep


def test_two_sweeps_come_within_an_eighth_of_an_octave(boxes: Any) -> None:
    scene = boxes.walk(frames=9, step=0.2)  # reaches 1.6 units
    true = 3.3

    def psnr_at(scale: float) -> float:
        return 20.0 - abs(np.log2(scale / true))

    coarse = sweep("boxes", "warp", coarse_scales(scene), psnr_at)
    fine = sweep("boxes", "warp", fine_scales(coarse.scale), psnr_at)
    assert abs(np.log2(fine.scale / true)) <= 0.125 + 1e-9
    assert len(fine.trials) == 5
    assert max(t.psnr for t in fine.trials) == psnr_at(fine.scale)


def test_a_camera_that_only_turns_has_one_scale(boxes: Any) -> None:
    assert coarse_scales(boxes.walk(frames=5, step=0.0)) == [1.0]


def test_no_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        sweep("s", "m", [], lambda scale: 0.0)
