from __future__ import annotations

import numpy as np

from engine.queries import finish
from explorer.walk.session.revisit import forth_and_back_cameras, revisit_score


def test_a_place_that_stays_scores_well_and_another_one_does_not(flown, fake) -> None:
    first = flown.head
    cameras = forth_and_back_cameras(flown, 4)
    assert len(cameras) == 4
    for camera in cameras:
        finish(flown.step(camera))
    nodes = [n for n in flown.line() if n.id >= first]
    score = revisit_score(flown, nodes)
    assert len(score.psnr_db) == 2
    assert min(score.psnr_db) > 20
    swapped = revisit_score(_Mirrored(flown), nodes)
    assert np.median(swapped.psnr_db) < np.median(score.psnr_db) - 5


class _Mirrored:
    """A session whose way back shows the pictures mirrored."""

    def __init__(self, session) -> None:
        self._session = session
        self._last = session.line()[-2].id

    def read(self, node_id: int):
        from dataclasses import replace

        drawn = self._session.read(node_id)
        if node_id < self._last:
            return drawn
        return replace(drawn, view=replace(drawn.view, rgb=np.array(drawn.view.rgb[:, ::-1])))
