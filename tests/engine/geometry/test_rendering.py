"""The renderer against a slow, readable one, and against scenes whose picture is known."""

import math

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rendering import (
    RenderSettings,
    SkyDirections,
    Surfels,
    render_surfels,
    surfels_from_view,
    warp_views,
)

H, W = 36, 64
LENS = Intrinsics.from_fov(70, W / H)


def camera(x=0.0, y=0.0, z=0.0, yaw=0.0, pitch=0.0, lens=LENS):
    c, s = math.cos(yaw), math.sin(yaw)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = math.cos(pitch), math.sin(pitch)
    tilt = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    T = np.eye(4)
    T[:3, :3] = turn @ tilt
    T[:3, 3] = (x, y, z)
    return Camera(T, lens)


def plane_depth(view, normal, offset, height=H, width=W):
    """z-depth of the plane n·X = offset; inf where a ray does not meet it."""
    k = view.intrinsics
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], -1)
    R, t = view.T_world_camera[:3, :3], view.position
    with np.errstate(divide="ignore"):
        depth = (offset - np.dot(normal, t)) / (rays @ R.T @ np.array(normal))
    return torch.tensor(np.where(depth > 0, depth, np.inf), dtype=torch.float32)


def warp_view(rgb, depth, camera_from, camera_to, height, width):
    """One view from another camera."""
    return warp_views(rgb[None], depth[None], [camera_from], camera_to, height, width)


def noise_picture(seed, height=H, width=W):
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def random_surfels(seed, count=80):
    g = torch.Generator().manual_seed(seed)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=g)

    normals = torch.nn.functional.normalize(
        torch.cat([uniform(-0.5, 0.5, count, 2), -torch.ones(count, 1)], 1), dim=1
    )
    across = torch.linalg.cross(normals, torch.tensor([0.3, 1.0, 0.1]).expand(count, 3))
    radii = uniform(0.02, 0.12, count)
    stretch = radii * uniform(1.0, 3.0, count)
    return Surfels(
        positions=torch.cat([uniform(-1.2, 1.2, count, 2), uniform(1, 3, count, 1)], 1),
        normals=normals,
        radii=radii,
        long_axes=torch.nn.functional.normalize(across, dim=1) * stretch[:, None],
        colours=torch.rand(count, 3, generator=g),
        view_ids=torch.arange(count, dtype=torch.int32),
        confidence=uniform(0.3, 1.0, count),
    )


def reference(surfels, view, height, width, settings):
    """One disc after the other, one pixel after the other."""
    T, k = view.T_camera_world, view.intrinsics
    fragments = {}  # pixel -> list of (inverse depth, weight, share, is core, disc)
    for i in range(len(surfels)):
        p = T[:3, :3] @ surfels.positions[i].double().numpy() + T[:3, 3]
        n = T[:3, :3] @ surfels.normals[i].double().numpy()
        long = T[:3, :3] @ surfels.long_axes[i].double().numpy()
        radius = float(surfels.radii[i])
        if p[2] <= 2 * radius or -n @ p <= settings.least_cosine * np.linalg.norm(p):
            continue
        short = np.cross(n, long) / np.linalg.norm(long) * radius
        f = np.array([k.fx * width, k.fy * height])
        uv = p[:2] / p[2] * f + np.array([k.cx * width, k.cy * height])
        axes = [(v[:2] - p[:2] / p[2] * v[2]) / p[2] * f for v in (long, short)]
        half = np.clip(np.hypot(*axes), 1.0, 12.0)
        # The stamp: the k nearest pixel centres each way; a tenth of overhang is cut.
        size = next(s for s in (2, 3, 4, 6, 8, 12, 16, 24) if half.max() <= 1.1 * s / 2)
        first = np.ceil(uv - size / 2 - 0.5).astype(int)
        for row in range(first[1], first[1] + size):
            for column in range(first[0], first[0] + size):
                if not (0 <= row < height and 0 <= column < width):
                    continue
                away = np.array([column + 0.5, row + 0.5]) - uv
                near = np.abs(away) / half
                weight = np.prod(np.clip(1 - near, 0, None))
                rise = np.clip(away * (n[:2] / f) / (n @ p), -0.12 / p[2], 0.12 / p[2])
                inverse = 1 / p[2] + rise.sum()
                share = weight * float(surfels.confidence[i]) / half.prod()
                core = bool((near <= settings.core).all())
                fragments.setdefault((row, column), []).append((inverse, weight, share, core, i))
    rgb, depth = np.zeros((height, width, 3)), np.full((height, width), np.nan)
    coverage, ids = np.zeros((height, width)), np.full((height, width), -1)
    tolerance = 1 + settings.depth_tolerance
    for pixel, found in fragments.items():
        least = max((f[0] for f in found if f[3]), default=0.0) / tolerance
        front = [f for f in found if f[0] >= least and f[2] > 0]
        if not front:
            continue
        share = np.array([f[2] for f in front])
        most = least * tolerance**2 if least else np.inf
        rgb[pixel] = share @ np.array([surfels.colours[f[4]].numpy() for f in front]) / share.sum()
        depth[pixel] = share.sum() / (share @ np.array([min(f[0], most) for f in front]))
        coverage[pixel] = min(1.0, 1.2 * sum(f[1] for f in front))
        ids[pixel] = front[int(share.argmax())][4]
    return rgb, depth, coverage, ids


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_readable_renderer(seed):
    surfels, settings = random_surfels(seed), RenderSettings(least_cosine=0.1)
    view = camera(0.1 * seed, -0.1, 0.2, yaw=0.1, pitch=-0.05)
    fast = render_surfels(surfels, view, 24, 40, settings=settings)
    rgb, depth, coverage, ids = reference(surfels, view, 24, 40, settings)
    assert (coverage > 0).mean() > 0.3
    np.testing.assert_allclose(fast.coverage, coverage, atol=2e-4)
    solid = coverage > 1e-3
    np.testing.assert_allclose(fast.rgb.numpy()[solid], rgb[solid], atol=2e-3)
    np.testing.assert_allclose(fast.depth.numpy()[solid], depth[solid], rtol=2e-3)
    assert (fast.view_ids.numpy()[solid] == ids[solid]).mean() > 0.99


def test_a_view_seen_from_its_own_camera_is_itself():
    view, rgb = camera(1, 2, 3, yaw=0.4), noise_picture(0)
    depth = plane_depth(view, (0.2, 0.1, 1.0), 9.0)
    out = warp_view(rgb, depth, view, view, H, W)
    assert float((out.rgb - rgb).abs().max()) < 1e-3
    assert float(((out.depth - depth) / depth).abs().max()) < 1e-3
    assert float(out.coverage.min()) > 0.99
    assert float(out.footprint.max()) < 1.1


@pytest.mark.parametrize("closer", [0.3, 1.0, 1.6])
@pytest.mark.parametrize("normal", [(0, 0, 1), (0.8, 0, 1), (0, -0.9, 0.6)])
def test_no_pinholes_when_coming_closer(closer, normal):
    start = camera()
    depth = plane_depth(start, normal, 2.4 * normal[2])
    near = camera(z=closer)
    out = warp_view(noise_picture(1), depth, start, near, H, W)
    truth = plane_depth(near, normal, 2.4 * normal[2])
    # Rays of the near camera that the far one saw too, away from the rim of what it saw.
    inner = torch.zeros(H, W, dtype=torch.bool)
    inner[9:-9, 16:-16] = True
    inner &= truth < 4
    assert inner.sum() > 100
    assert float(out.coverage[inner].min()) > 0.9
    assert float(((out.depth - truth) / truth).abs()[inner].max()) < 0.02


def test_a_floor_stays_closed_along_the_walk():
    start = camera(y=-1.5)
    depth = plane_depth(start, (0, 1, 0), 0.0)
    ahead = camera(y=-1.5, z=0.8)
    out = warp_view(noise_picture(2), depth, start, ahead, H, W)
    truth = plane_depth(ahead, (0, 1, 0), 0.0)
    seen = (truth > 3.2) & (truth < 8)  # in the first view as well, and not too flat
    assert seen.sum() > 200
    assert float(out.coverage[seen].min()) > 0.9
    assert float((((out.depth - truth) / truth).abs())[seen].max()) < 0.03


def step_scene():
    """A near square before a wall: depth, and red on blue."""
    depth = torch.full((H, W), 4.0)
    rgb = torch.zeros(H, W, 3)
    rgb[..., 2] = 1
    near = (slice(10, 26), slice(24, 40))
    depth[near] = 2.0
    rgb[near] = torch.tensor([1.0, 0, 0])
    return rgb, depth


def test_nothing_is_drawn_across_a_depth_edge():
    rgb, depth = step_scene()
    out = warp_view(rgb, depth, camera(), camera(x=0.35), H, W)
    between = torch.isfinite(out.depth) & (out.depth > 2.1) & (out.depth < 3.9)
    assert int(between.sum()) == 0
    hole = out.coverage[12:24] < 0.05
    assert int(hole.sum()) > 12 * 2  # what the square hid stays open


@pytest.mark.parametrize("pixels", [2, 4, 8])
def test_a_soft_depth_edge_leaves_a_hole_and_no_sheet(pixels):
    height, width = 72, 128
    lens = Intrinsics.from_fov(40, width / height)
    column = torch.arange(width) - 60
    inverse = 0.5 - 0.25 * (column / pixels).clamp(0, 1)  # 2 on the left, 4 on the right
    depth = (1 / inverse).expand(height, width).contiguous()
    out = warp_view(
        noise_picture(6, height, width),
        depth,
        camera(lens=lens),
        camera(x=0.3, lens=lens),
        height,
        width,
    )
    between = torch.isfinite(out.depth) & (out.depth > 2.2) & (out.depth < 3.6)
    assert int(between.sum()) <= 2 * height // 10
    assert float(out.coverage.mean(0).min()) < 0.05


def test_the_near_hides_the_far():
    rgb, depth = step_scene()
    out = warp_view(rgb, depth, camera(), camera(z=0.5), H, W)
    square = out.rgb[13:23, 27:37]
    assert float((square - torch.tensor([1.0, 0, 0])).abs().max()) < 1e-3


def test_outlines_of_the_near_are_soft():
    rgb, depth = step_scene()
    confidence = torch.ones(H, W)
    seen = surfels_from_view(rgb, depth, camera(), 0, confidence)
    out = render_surfels(seen.surfels, camera(x=0.31), H, W)
    reds = out.rgb[14:22, :, 0]
    assert bool(((reds > 0.05) & (reds < 0.95)).any())


def test_backs_of_surfaces_are_not_seen():
    view = camera()
    seen = surfels_from_view(noise_picture(3), plane_depth(view, (0, 0, 1), 2.0), view)
    behind = camera(z=4.0, yaw=math.pi)
    assert float(render_surfels(seen.surfels, behind, H, W).coverage.max()) == 0


def test_the_finest_of_several_views_gives_the_picture():
    far, near, asked = camera(), camera(z=1.5), camera(z=1.4)
    depths = [plane_depth(c, (0, 0, 1), 2.0) for c in (far, near)]
    rgb = torch.stack([torch.zeros(H, W, 3), torch.ones(H, W, 3)])
    out = warp_views(rgb, torch.stack(depths), [far, near], asked, H, W)
    inner = (slice(8, -8), slice(14, -14))
    assert bool((out.view_ids[inner] == 1).all())
    assert float(out.rgb[inner].min()) > 0.9
    assert float(out.footprint[inner].max()) < 1.5


def test_sky_turns_with_the_camera_and_does_not_move():
    view, rgb = camera(), noise_picture(4)
    sky = torch.full((H, W), torch.inf)
    moved = warp_view(rgb, sky, view, camera(x=50.0, z=-3.0), H, W)
    assert float((moved.rgb - rgb).abs().max()) < 1e-3
    assert bool(torch.isposinf(moved.depth).all())
    turned = warp_view(rgb, sky, view, camera(yaw=0.3), H, W)
    columns = turned.coverage.mean(0)
    assert float(columns[:30].min()) > 0.9  # turned right: the left is known
    assert float(columns[-8:].max()) < 0.1


def test_sky_lies_behind_everything():
    rgb, depth = step_scene()
    depth[depth > 3] = torch.inf
    out = warp_view(rgb, depth, camera(), camera(x=0.2), H, W)
    assert float((out.rgb[13:23, 22:30] - torch.tensor([1.0, 0, 0])).abs().max()) < 1e-3
    assert bool(torch.isposinf(out.depth[:8]).all())
    assert float(out.coverage[:8].min()) > 0.95
    assert bool((out.surfel_ids[:8] == -1).all())
    assert bool((out.view_ids[:8] == 0).all())


def test_unsure_pixels_become_no_surfels():
    view = camera()
    confidence = torch.ones(H, W)
    confidence[:, : W // 2] = 0.05
    depth = plane_depth(view, (0, 0, 1), 2.0)
    depth[0, -1] = torch.nan
    seen = surfels_from_view(noise_picture(5), depth, view, 7, confidence)
    assert len(seen.surfels) == H * W // 2 - 1
    assert bool((seen.surfels.view_ids == 7).all())
    assert bool((seen.surfel_pixels % W >= W // 2).all())


def test_nothing_known_is_an_empty_picture():
    out = render_surfels(Surfels.empty(), camera(), H, W, SkyDirections.empty())
    assert float(out.coverage.max()) == 0
    assert bool(torch.isnan(out.depth).all())
    assert bool((out.view_ids == -1).all())
    assert out.rgb.shape == (H, W, 3)


def test_the_same_picture_every_time_and_in_any_order():
    surfels, view = random_surfels(9), camera()
    one = render_surfels(surfels, view, H, W)
    again = render_surfels(surfels, view, H, W)
    assert torch.equal(one.rgb, again.rgb)
    assert torch.equal(one.surfel_ids, again.surfel_ids)
    order = torch.randperm(len(surfels), generator=torch.Generator().manual_seed(0))
    other = render_surfels(surfels[order], view, H, W)
    torch.testing.assert_close(one.rgb, other.rgb, atol=1e-5, rtol=0)
    torch.testing.assert_close(one.coverage, other.coverage, atol=1e-5, rtol=0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="rgb is"):
        surfels_from_view(torch.zeros(H, W, 3), torch.ones(H, W + 1), camera())
    with pytest.raises(ValueError, match="confidence is"):
        surfels_from_view(torch.zeros(H, W, 3), torch.ones(H, W), camera(), 0, torch.ones(H + 1, W))
