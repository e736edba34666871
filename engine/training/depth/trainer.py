"""Trains an encoder and its dense decoder together, on a clock, with an average to draw with."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.model.decoders.dense_depth import DenseDepth
from engine.model.decoders.picture_decoder import Observed
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.kinds import Kind
from engine.model.sight import Sight, save_sight
from engine.training.buffer import SourceShares
from engine.training.depth.losses import DepthLoss, depth_loss
from engine.training.depth.samples import WITHOUT_DEPTH, ViewPool, varied
from engine.training.schedule import check_run

SIGHT = "sight.safetensors"
"""Of the file inside the folder of a run."""


@dataclass(frozen=True)
class DepthTrainingConfig:
    """Attributes:
    minutes: by the clock; the rates fall with the time gone, as half a cosine.
    sizes: (H, W) of pictures; each step has one of them.
    batch: pictures of the first size in a step, and as many pixels of any other.
    encoder_rate, decoder_rate: learning rates. The encoder came trained on photographs and must
        not forget them.
    held_stride: the encoder's levels up to this stride stay as they came: edges and spots are the
        same in worlds, and their maps are the largest.
    warm_up: steps.
    taught_share: where there are photographs without depth, so many pictures a step beside the
        others, for each of them: the average says how deep they are, and is to be agreed with
        when they look otherwise (a mean teacher, Tarvainen and Valpola 2017).
    taught_after: steps; before, the average has nothing to teach.
    """

    minutes: float = 40.0
    sizes: tuple[tuple[int, int], ...] = ((144, 192), (192, 256), (144, 256))
    batch: int = 16
    encoder_rate: float = 1.5e-4
    decoder_rate: float = 1e-3
    held_stride: int = 4
    weight_decay: float = 0.01
    warm_up: int = 100
    taught_share: float = 0.2
    taught_after: int = 400
    ema_decay: float = 0.998
    report_every: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        check_run(self.minutes, self.batch)

    def pictures(self, size: tuple[int, int]) -> int:
        """How many of a size make a step."""
        return max(1, round(self.batch * math.prod(self.sizes[0]) / math.prod(size)))


@dataclass(frozen=True)
class DepthReport:
    """`shape` is the mean trimmed error since the last report (`losses.DepthLoss`)."""

    step: int
    minutes: float
    shape: float


#: Pixels of the largest pictures that a decoder learns from, unless told.
PIXELS = 256 * 192
#: See `DenseDepth`.
SHARE = 0.6


def new_decoder(
    encoder: ImageEncoder, width: int = 40, fine: int = 8, pixels: int = PIXELS
) -> DenseDepth:
    """Untrained, for an encoder's features; finer levels have fewer blocks."""
    told = encoder.description
    blocks = [1 if level.stride < 8 else 2 for level in told.levels]
    channels = [level.channels for level in told.levels]
    header = {"channels": channels, "width": width, "blocks": blocks, "fine": fine}
    return DenseDepth({"encoder": told.name, "share": SHARE, "pixels": pixels, **header})


def _seen(encoder: ImageEncoder, decoder: DenseDepth, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse depth and sky, (B, 1, H, W) each."""
    found = decoder.shape_and_sky(Observed(picture, (encoder(picture),)))
    assert found is not None
    return found


def _taught(part: nn.Module) -> list[nn.Parameter]:
    return [p for p in part.parameters() if p.requires_grad]


class DepthTrainer:
    """Owns an encoder, the decoder of DEPTH and their average; `run` yields reports and saves.

    Attributes:
        sight: what is trained; `average` is what is saved.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        decoder: DenseDepth,
        sources: SourceShares,
        config: DepthTrainingConfig,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.encoder = encoder.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.decoder = decoder.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.generator = torch.Generator().manual_seed(config.seed)
        self.pool = ViewPool(sources, self.generator)
        self.photographs: ViewPool | None = None
        if sources.can(WITHOUT_DEPTH) and config.taught_share > 0:
            self.photographs = ViewPool(sources, self.generator, WITHOUT_DEPTH)
        self.decoder.pixels = max(math.prod(size) for size in config.sizes)
        for held in self.encoder.early(config.held_stride):
            held.requires_grad_(False)
        rates = ((self.encoder, config.encoder_rate), (self.decoder, config.decoder_rate))
        self.optimiser = torch.optim.AdamW(
            [{"params": _taught(part), "lr": rate} for part, rate in rates],
            weight_decay=config.weight_decay,
        )
        self.average = copy.deepcopy(nn.ModuleList([self.encoder, self.decoder]))
        self._averaged = _taught(self.average)
        self.step = 0

    def learn(self) -> DepthLoss:
        """One step at the present rates."""
        sizes: Sequence[tuple[int, int]] = self.config.sizes
        size = sizes[int(torch.randint(len(sizes), (), generator=self.generator))]
        count = self.config.pictures(size)
        rgb, depth = self.pool.batch(count, size)
        if self.photographs is not None and self.step >= self.config.taught_after:
            more = max(1, round(self.config.taught_share * count))
            photographs, _ = self.photographs.batch(more, size)
            taught = self.told(photographs.to(self.device)).to(depth)
            rgb, depth = torch.cat([rgb, photographs]), torch.cat([depth, taught])
        picture = self._picture(varied(rgb, self.generator))
        with torch.autocast(self.device.type, torch.bfloat16):
            inverse, sky = _seen(self.encoder, self.decoder, picture)
        loss = depth_loss(inverse, sky, depth.to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema_decay, self.step / (self.step + 10))
        follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        follow(self._averaged, parameters, None)
        return loss

    @torch.no_grad()
    def told(self, rgb: Tensor) -> Tensor:
        """z-depth (B, 1, H, W) that the average sees in pictures and in their mirror images, in
        units of each picture's median; inf = sky."""
        encoder, decoder = self.average
        assert isinstance(encoder, ImageEncoder)
        assert isinstance(decoder, DenseDepth)
        picture = self._picture(torch.cat([rgb, rgb.flip(-1)]))
        with torch.autocast(self.device.type, torch.bfloat16):
            found = _seen(encoder, decoder, picture)
        (one, other), (sky, turned) = (x.chunk(2) for x in found)
        unit = [
            x / x.flatten(1).median(1).values.clamp_min(1e-4).view(-1, 1, 1, 1)
            for x in (one, other)
        ]
        inverse = (unit[0] + unit[1].flip(-1)) / 2
        is_sky = sky + turned.flip(-1) > 0
        return torch.where(is_sky, torch.inf, 1 / inverse.clamp_min(1e-3))

    def _picture(self, rgb: Tensor) -> Tensor:
        picture = Kind.RGB.to_picture(rgb.to(self.device), 1.0)
        return picture.contiguous(memory_format=torch.channels_last)

    def run(self, out: Path) -> Iterator[DepthReport]:
        """Trains until the minutes are over; `out` gets `sight.safetensors` at each report."""
        config, started = self.config, time.monotonic()
        rates = [group["lr"] for group in self.optimiser.param_groups]
        shapes: list[float] = []
        while (gone := (time.monotonic() - started) / (60 * config.minutes)) < 1.0:
            falling = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * gone))
            share = min(1.0, (self.step + 1) / config.warm_up) * falling
            for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share
            shapes.append(self.learn().shape)
            if self.step % config.report_every == 0:
                self.save(out)
                yield self._report(started, shapes)
                shapes = []
        self.save(out)
        if shapes:
            yield self._report(started, shapes)

    def _report(self, started: float, shapes: Sequence[float]) -> DepthReport:
        minutes = (time.monotonic() - started) / 60
        return DepthReport(self.step, minutes, sum(shapes) / len(shapes))

    def save(self, out: Path) -> None:
        """The average, as `read_sight` reads it."""
        encoder, decoder = self.average
        assert isinstance(encoder, ImageEncoder)
        assert isinstance(decoder, DenseDepth)
        sight = Sight({encoder.description.name: encoder}, {Kind.DEPTH.name: decoder})
        save_sight(sight, out / SIGHT, eight_bit=False)
