"""Trains a lens head on what a frozen encoder sees, which is computed once."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.kinds import Kind
from engine.model.lens.belief import FocalBins
from engine.model.lens.lens_head import LensHead
from engine.training.lens.samples import LensPool
from engine.training.schedule import check_run

#: That are tried, from a head that doubts too much to one that doubts far too little.
_TEMPERATURES = tuple(2 ** (i / 4) for i in range(-4, 13))


@dataclass(frozen=True)
class LensTrainingConfig:
    """Attributes:
    minutes: by the clock, of both parts; the rate falls with the time gone, as half a cosine.
    looking: share of the minutes in which photos are cut and looked at.
    held_out: photos of unseen worlds to one of seen ones.
    pixels: of what the encoder looks at.
    batch: photos of a step; `looked_at`: photos that the encoder looks at together.
    spread: of the answers that count as right, in log(f/d).
    usual_of: photos that say what features are like on the whole.
    """

    minutes: float = 12.0
    looking: float = 0.7
    held_out: float = 0.08
    pixels: int = 192 * 144
    batch: int = 64
    looked_at: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    spread: float = 0.07
    usual_of: int = 512
    ema_decay: float = 0.995
    report_every: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        check_run(self.minutes, self.batch)


@dataclass(frozen=True)
class LensReport:
    """Attributes:
    loss: mean of the steps since the last report; `unseen_loss`: of photos of unseen worlds.
    error: median |log(f/f_true)| of those photos; both of the averaged weights.
    constant: what the best constant answer would have there.
    within: share of their true lenses inside what is called likely (two thirds would be honest).
    """

    step: int
    minutes: float
    loss: float
    unseen_loss: float
    error: float
    constant: float
    within: float


@dataclass(frozen=True)
class Seen:
    """What the encoder sees of photos, and their lenses.

    Attributes:
        pooled: (N, grid², channels) float16.
        log_aspect, log_focal: (N,).
    """

    pooled: Tensor
    log_aspect: Tensor
    log_focal: Tensor

    @staticmethod
    def joined(parts: list[Seen]) -> Seen:
        names = ("pooled", "log_aspect", "log_focal")
        return Seen(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def only(self, rows: Tensor) -> Seen:
        return Seen(self.pooled[rows], self.log_aspect[rows], self.log_focal[rows])


def new_head(encoder: ImageEncoder, config: LensTrainingConfig) -> LensHead:
    """Untrained, for an encoder's features at strides of 8 and more."""
    levels = encoder.description.levels
    read = [level for level in levels if level.stride >= 8]
    bins = FocalBins()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return LensHead(
            {
                "encoder": encoder.description.name,
                "skipped": len(levels) - len(read),
                "channels": sum(level.channels for level in read),
                "grid": 6,
                "width": 64,
                "layers": 2,
                "pixels": config.pixels,
                "bins": [bins.low, bins.high, bins.count],
                "dropout": 0.2,
            }
        )


def temperature(logits: Tensor, right: Tensor) -> float:
    """What to divide logits (N, bins) by so that shares (N, bins) are as likely as can be."""
    losses = [float(F.cross_entropy(logits / t, right)) for t in _TEMPERATURES]
    return _TEMPERATURES[losses.index(min(losses))]


class LensTrainer:
    """Looks at photos for a part of the time, then trains the head.

    Attributes:
        average: of the head's latest weights.
        best: the average that erred least on unseen worlds, its belief no narrower than its errors
            there are (one temperature, Guo et al. 2017): a head that sees a few thousand photos
            again and again soon believes itself too much, while its answers still get better.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        head: LensHead,
        seen_worlds: LensPool,
        unseen_worlds: LensPool,
        config: LensTrainingConfig,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.encoder = encoder.to(device).eval().requires_grad_(False)
        self.head = head.to(device).train()
        self.average = copy.deepcopy(self.head).eval()
        self.best, self._least = self.average, math.inf
        self.pools = (seen_worlds, unseen_worlds)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.optimiser = torch.optim.AdamW(
            self.head.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0

    def run(self, tell: Callable[[str], None]) -> Iterator[LensReport]:
        """Until the minutes are over.

        Args:
            tell: hears how many photos were looked at.
        """
        started = time.monotonic()
        limit = 60 * self.config.minutes

        def gone() -> float:
            return (time.monotonic() - started) / limit

        seen, unseen = self._look(gone)
        tell(f"looked at {len(seen.log_focal)} photos, and {len(unseen.log_focal)} unseen ones")
        for head in (self.head, self.average):
            head.learn_what_is_usual(seen.pooled[: self.config.usual_of])
        begun, losses = gone(), []
        while (part := (gone() - begun) / max(1e-6, 1.0 - begun)) < 1.0:
            losses.append(self._learn(seen, part))
            if self.step % self.config.report_every == 0:
                yield self._report(gone(), losses, unseen)
                losses = []
        if losses:
            yield self._report(gone(), losses, unseen)

    def _look(self, gone: Callable[[], float]) -> tuple[Seen, Seen]:
        """Both of seen and of unseen worlds; at least one step's worth of each."""
        found: tuple[list[Seen], list[Seen]] = ([], [])
        counts = [0, 0]
        while gone() < self.config.looking or min(counts) < self.config.batch:
            which = int(counts[1] < self.config.held_out * counts[0])
            found[which].append(self._look_at(self.pools[which]))
            counts[which] += self.config.looked_at
        return Seen.joined(found[0]), Seen.joined(found[1])

    @torch.no_grad()
    def _look_at(self, pool: LensPool) -> Seen:
        photos = pool.batch(self.config.looked_at, self.config.pixels)
        picture = Kind.RGB.to_picture(photos.pictures.to(self.device), 1.0)
        pooled = self.head.pooled(self.encoder(picture).levels)
        return Seen(pooled.half().cpu(), photos.log_aspect, photos.log_focal)

    def _learn(self, seen: Seen, part: float) -> float:
        config = self.config
        rows = torch.randint(len(seen.log_focal), (config.batch,), generator=self.generator)
        some = seen.only(rows)
        falling = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, part)))
        for group in self.optimiser.param_groups:
            group["lr"] = (
                config.learning_rate * min(1.0, (self.step + 1) / config.warm_up) * falling
            )
        logits = self._answered(self.head, some)
        right = self.head.bins.spread_over(some.log_focal, config.spread)
        loss = F.cross_entropy(logits, right.to(logits))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(config.ema_decay, self.step / (self.step + 10))
        follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        follow(list(self.average.parameters()), list(self.head.parameters()), None)
        return float(loss.detach())

    def _answered(self, head: LensHead, seen: Seen) -> Tensor:
        logits: Tensor = head(seen.pooled.to(self.device), seen.log_aspect.to(self.device))
        return logits

    @torch.no_grad()
    def _report(self, gone: float, losses: list[float], unseen: Seen) -> LensReport:
        logits = self._answered(self.average, unseen).cpu()
        belief, bins, true = logits.softmax(1), self.average.bins, unseen.log_focal
        unseen_loss = float(F.cross_entropy(logits, bins.spread_over(true, self.config.spread)))
        error = (bins.quantile(belief, 0.5) - true).abs().median()
        if float(error) < self._least:
            self.best, self._least = copy.deepcopy(self.average), float(error)
            honest = temperature(logits, bins.spread_over(true, self.config.spread))
            for parameter in self.best.out.parameters():
                parameter.div_(honest)
        constant = (true.median() - true).abs().median()
        inside = (bins.quantile(belief, 0.16) < true) & (true < bins.quantile(belief, 0.84))
        return LensReport(
            self.step,
            gone * self.config.minutes,
            sum(losses) / len(losses),
            unseen_loss,
            float(error),
            float(constant),
            float(inside.float().mean()),
        )
