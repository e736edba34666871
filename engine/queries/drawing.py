"""One picture drawn by the network: what every query of a single view comes down to."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.model.hints import hint_latents
from engine.model.text import Kind
from engine.model.tokens import Group, Picture
from engine.queries.context import Context
from engine.queries.engine import Engine
from engine.queries.pictures import FloatArray, plane_tensor, ray_tensor, rgb_tensor
from engine.sampling.flow import Drawing, FlowConfig, euler, standard_noise


@dataclass(frozen=True)
class SamplerSettings:
    """How pictures are drawn; `caption` describes the scene, in words the model knows.

    The defaults were measured with the embedded weights, on unseen worlds and real clips: one step
    gives depth its best error and views their best PSNR and SSIM. Further steps build on what the
    first drew, which they did not learn from: wide holes drift dark. Networks that were trained
    for many steps, as Wan's are, need more.
    """

    rgb_steps: int = 1
    depth_steps: int = 1
    caption: str = ""


@dataclass(frozen=True)
class Hint:
    """What memory shows from the asked camera: rgb (H, W, 3), depth (H, W; inf sky, nan unknown)
    in scene units, coverage (H, W) in [0, 1]. Tensors on the engine's device stay there."""

    rgb: FloatArray | Tensor
    depth: FloatArray | Tensor
    coverage: FloatArray | Tensor


@dataclass(frozen=True)
class Ask:
    """What is asked from where."""

    kind: Kind
    camera: Camera
    flow: FlowConfig
    caption: str = ""
    hint: Hint | None = None


@dataclass(frozen=True)
class Decoded:
    """A decoded picture (1, 3, H, W) in [−1, 1], and what drawing it took."""

    picture: Tensor
    step_seconds: float
    decode_seconds: float


@torch.no_grad()
def draw_picture(
    engine: Engine, context: Context, ask: Ask, generator: torch.Generator
) -> Drawing[Decoded]:
    """One picture of the view in the context's next slot."""
    started = time.perf_counter()
    relative = ask.camera.relative_to(context.anchor, context.scale)
    rays = ray_tensor(relative, context.size, engine)
    warped = _hint_tensor(engine, ask.hint, context.scale)
    prompt = torch.tensor([engine.tokenizer.encode(ask.kind, ask.caption).ids], device=rays.device)

    def predict(noisy: Tensor, level: float) -> Tensor:
        levels = torch.full((1,), level, device=engine.device)
        asked = Picture(ask.kind, context.slots, noisy, levels, rays, warped)
        with torch.no_grad(), engine.autocast():
            answer = engine.transformer.predict(Group((asked,), prompt, asked=True), context.cache)
        return answer[0].float()

    shape = (1, engine.codec.config.latent_channels, *(side // 8 for side in context.size))
    noise = standard_noise(shape, generator, rays)
    latent = yield from euler(predict, noise, ask.flow, ask.kind.name)
    drawn = time.perf_counter()
    with torch.no_grad():
        picture = engine.codec.decode(latent)
    return Decoded(picture, drawn - started, time.perf_counter() - drawn)


def _hint_tensor(engine: Engine, hint: Hint | None, scale: float) -> Tensor | None:
    if hint is None:
        return None
    coverage = plane_tensor(hint.coverage, engine)
    if not (coverage > 0).any():
        return None
    rgb = (rgb_tensor(hint.rgb, engine) + 1) / 2
    sigma = torch.full((1, 1, 1, 1), scale, device=engine.device)
    return hint_latents(engine.codec, rgb, plane_tensor(hint.depth, engine), coverage, sigma)
