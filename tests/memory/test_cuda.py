"""What a memory on a GPU knows, and what a walk makes of it there, against the CPU's."""

from __future__ import annotations

import pytest
import torch

from explorer.walk.composite import composite
from explorer.walk.depth_fusion import fused_with
from memory.memory import Memory
from tests.memory.scenes import H, W, camera, pictures, wall

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

BOXES = [wall(z=3.0), ((-0.6, -0.6, 2.0), (0.2, 0.6, 2.3))]


@pytest.mark.parametrize("asked", [camera(), camera(yaw=0.3), camera(x=0.002), camera(x=0.4)])
def test_a_look_and_what_is_made_of_it_agree_with_the_cpu(asked) -> None:
    noise = torch.Generator().manual_seed(0)
    drawn = torch.rand(H, W, 3, generator=noise)
    depth = 2.0 + torch.rand(H, W, generator=noise)
    found = []
    for device in ("cpu", "cuda"):
        memory = Memory(device=device)
        for view in pictures(BOXES, [camera(), camera(x=0.2, yaw=0.2)]):
            memory.add(view)
        known = memory.look(asked, H, W)
        assert known.device.type == device
        picture = composite(drawn.to(device), known.rgb, known.coverage, known.footprint)
        fused = fused_with(depth.to(device), known)
        views = [f.view_id for f in memory.retrieve(known, 2)]
        pictured = (known.rgb, known.depth, known.coverage, picture, fused.depth)
        found.append((views, [p.cpu().nan_to_num(0.0, 99.0) for p in pictured]))
    (near_views, near), (far_views, far) = found
    assert far_views == near_views
    for one, other in zip(near, far, strict=True):
        assert ((one - other).abs() > 1e-3).float().mean() < 0.01
