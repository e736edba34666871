"""An adversary for holes: a judge of latents that the network learns to deceive where none knows.

Squared errors ask for the mean of everything that could be behind what the memory shows, which is
fog. The judge sees the same hint and learns, patch by patch, to tell true views from drawn ones
(SN-PatchGAN, Yu et al. 2019, arXiv 1806.03589: hinge loss, spectral normalisation); the network is
asked to be told apart less. Only pictures that begin as noise alone are judged: those are drawn in
one step, as on a walk.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from engine.model.kinds import Kind
from engine.training.distributed import load_whole_momenta, whole_momenta
from engine.training.mixture import Lesson

JUDGE = "judge.safetensors"
_MOMENTA = "optimiser."


@dataclass(frozen=True)
class AdversaryConfig:
    """Attributes:
    strength: length of the judge's gradient at what was drawn in holes, over that of the errors
        there; 0 leaves the adversary out.
    width, blocks: of the judge.
    learning_rate: of the judge.
    alone: steps for which the judge learns before the network hears of it.
    known: weight of what the memory shows, where holes weigh 1.
    """

    strength: float = 0.0
    width: int = 96
    blocks: int = 2
    learning_rate: float = 5e-4
    alone: int = 60
    known: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise ValueError(f"an adversary's strength is 0 or more, not {self.strength:g}")


class Judge(nn.Module):
    """Scores (B, 1, h, w) of latents (B, C, h, w), high for true ones; hints are (B, 2C + 1, h, w).

    Args:
        gains: (C,) how much each latent channel moves the picture. Whitened latents would have the
            judge look at the faintest textures first; this evens that out half way.
    """

    def __init__(self, gains: Tensor, config: AdversaryConfig) -> None:
        super().__init__()
        channels, width = len(gains), config.width
        scale = (gains / gains.mean()).sqrt()
        self.scale: Tensor
        self.register_buffer("scale", scale.view(1, -1, 1, 1).clone())
        self.latent = nn.Conv2d(channels, width, 3, padding=1)
        self.hint = nn.Conv2d(2 * channels + 1, width, 3, padding=1)
        convolutions = [nn.Conv2d(width, width, 3, padding=1) for _ in range(2 * config.blocks)]
        self.blocks = nn.ModuleList([spectral_norm(c) for c in convolutions])
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))

    def forward(self, latent: Tensor, hint: Tensor) -> Tensor:
        channels = latent.shape[1]
        shown = torch.cat([hint[:, :channels] * self.scale, hint[:, channels:]], dim=1)
        x = self.latent(latent * self.scale) + self.hint(shown)
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            x = x + second(_active(first(_active(x))))
        scores: Tensor = self.score(_active(x))
        return scores


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


@dataclass(frozen=True)
class Judged:
    """The new views of a lesson that were drawn from a hint and noise alone.

    Attributes:
        drawn, true: (N, C, h, w) latents.
        hint: (N, 2C + 1, h, w).
        weight: (N, 1, h, w) of their latent pixels; sums to 1.
        errors: (N, C, h, w) gradient of the lesson's loss at `drawn`.
    """

    drawn: Tensor
    true: Tensor
    hint: Tensor
    weight: Tensor
    errors: Tensor


def judged_views(
    lesson: Lesson, predictions: Sequence[Sequence[Tensor]], loss: Tensor, known: float
) -> Judged | None:
    """
    Args:
        loss: of the lesson, to be differentiated at `predictions`.
        known: see `AdversaryConfig`.
    """
    drawn, true, hints, pure = [], [], [], []
    answers = iter(lesson.answers)
    for group, found in zip(lesson.groups, predictions, strict=True):
        for picture, prediction in zip(group.pictures, found, strict=False):
            answer = next(answers)
            if picture.kind is Kind.RGB and picture.hint is not None and picture.level.ndim == 1:
                drawn.append(prediction)
                true.append(answer)
                hints.append(picture.hint)
                pure.append(picture.level >= 1)
    if not drawn or not bool(torch.cat(pure).any()):
        return None
    chosen = torch.cat(pure)
    errors = torch.cat(torch.autograd.grad(loss, drawn, retain_graph=True))
    hint = torch.cat(hints)[chosen].float()
    weight = known + (1 - known) * (1 - hint[:, -1:]).clamp(0, 1)
    return Judged(
        torch.cat(drawn)[chosen].float(),
        torch.cat(true)[chosen].float(),
        hint,
        weight / weight.sum(),
        errors[chosen].float(),
    )


class Adversary:
    """The judge with its optimiser, and what it has the network pay."""

    def __init__(self, gains: Tensor, config: AdversaryConfig, device: torch.device) -> None:
        self.config, self.steps = config, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # layers of torch know no other generator
            self.judge = Judge(gains.cpu(), config).to(device)
        rate, betas = config.learning_rate, (0.5, 0.99)
        self.optimiser = torch.optim.Adam(self.judge.parameters(), rate, betas)

    def price(
        self, lesson: Lesson, predictions: Sequence[Sequence[Tensor]], loss: Tensor
    ) -> tuple[Tensor, dict[str, float]] | None:
        """What the network pays for the views of a lesson beside its loss, and what to report.

        The judge learns of the same views first. None where a lesson has none.
        """
        judged = judged_views(lesson, predictions, loss, self.config.known)
        if judged is None:
            return None
        told = self._learn(judged)
        self.steps += 1
        listened = self.steps > self.config.alone
        return self._paid(judged) if listened else judged.drawn.sum() * 0.0, told

    def _learn(self, judged: Judged) -> dict[str, float]:
        true = self.judge(judged.true, judged.hint)
        drawn = self.judge(judged.drawn.detach(), judged.hint)
        loss = (judged.weight * (F.relu(1 - true) + F.relu(1 + drawn))).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        right = (judged.weight * ((true > 0).float() + (drawn < 0).float()) / 2).sum()
        return {"judge": float(loss.detach()), "right": float(right)}

    def _paid(self, judged: Judged) -> Tensor:
        """Its gradient at `drawn` is `strength` times as long as the errors', both by weight."""
        at = judged.drawn.detach().requires_grad_()
        score = -(judged.weight * self.judge(at, judged.hint)).sum()
        (wanted,) = torch.autograd.grad(score, at)
        holes = judged.weight / judged.weight.max()
        length = (holes * judged.errors).norm() / (holes * wanted).norm().clamp_min(1e-12)
        price: Tensor = (judged.drawn * wanted * (self.config.strength * length)).sum()
        return price

    def save(self, folder: Path) -> None:
        """The judge and its momenta, beside the run's state."""
        temporary = folder / f"{JUDGE}.part"
        state = {name: value.contiguous() for name, value in self.judge.state_dict().items()}
        momenta = whole_momenta(self.judge, [self.optimiser])
        state |= {f"{_MOMENTA}{name}": value for name, value in momenta.items()}
        save_file(state, str(temporary))
        os.replace(temporary, folder / JUDGE)

    def resume(self, folder: Path) -> None:
        """Goes on with the judge of an earlier run, if it had one."""
        if (folder / JUDGE).is_file():
            state = load_file(str(folder / JUDGE))
            momenta = {k: state.pop(k) for k in list(state) if k.startswith(_MOMENTA)}
            self.judge.load_state_dict(state)
            momenta = {k.removeprefix(_MOMENTA): v for k, v in momenta.items()}
            load_whole_momenta(self.judge, [self.optimiser], momenta)
            self.steps = self.config.alone
