"""Image encoders that learn together with the network that reads them."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.model import Model
from engine.training.average import Average
from engine.training.distributed import load_whole_momenta, load_whole_state, whole_momenta
from engine.training.optimisers import set_learning_rate

#: Of the network's learning rate, for encoders that came trained and must not forget.
ENCODER_RATE = 0.1
_WEIGHTS, _MOMENTA = "encoders.", "encoders_optimiser."


def encoder_rate(model: Model, asked: float | None, whole: bool, alone: bool) -> float:
    """The share of the learning rate at which the encoders of a model learn; 0 holds them.

    A decoder of a kind and the lens's head read the same features, and nothing here asks whether
    they still say what they said: beside one, encoders are held. To train one all the same, begin
    from an encoder alone; `train depth` makes a decoder for it afterwards.

    Args:
        asked: None for what suits the model.
        whole: all weights of the network learn, not adapters beside them.
        alone: in one process.

    Raises:
        ValueError: what is asked cannot be.
    """
    read = [name for name in model.maker.read if name in model.encoders]
    others = [f"the decoder of {kind}" for kind in model.decoders]
    others += [] if model.lens is None else ["the lens's head"]
    if asked is None:
        asked = ENCODER_RATE if read and whole and not others else 0.0
    if not 0 <= asked <= 1:
        raise ValueError(f"--encoder-rate is a share, from 0 to 1, not {asked:g}")
    if asked == 0:
        return 0.0
    if not read:
        raise ValueError("the network reads no image encoder: give --sight, or no --encoder-rate")
    if others:
        raise ValueError(
            f"{others[0]} reads the same encoder and would no longer fit it: leave --encoder-rate "
            "out, or begin from a --sight that holds the encoder alone"
        )
    if not whole:
        raise ValueError("--lora trains adapters alone: leave --encoder-rate out")
    if not alone:
        raise ValueError("an image encoder learns in one process: hold it with --encoder-rate 0")
    return asked


class LearningEncoders:
    """The encoders that a model's network reads, their average and their optimiser.

    The statistics of their batch norms stay as they came: batches of a few scenes say less of
    photographs than these do. With a share of 0 nothing learns, and all of this does nothing.

    Attributes:
        share: of the network's learning rate.
        network: the encoders that learn, by name; they are the model's own.
    """

    def __init__(self, model: Model, share: float) -> None:
        self.share = share
        names = [name for name in model.maker.read if share and name in model.encoders]
        self.network = nn.ModuleDict({name: model.encoders[name] for name in names})
        self.network.eval().requires_grad_(True)
        self.average = Average(self.network)
        groups = [
            {"params": [p for p in self.network.parameters() if p.ndim > 1], "weight_decay": 0.01},
            {"params": [p for p in self.network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimisers = [torch.optim.AdamW(groups, betas=(0.9, 0.98))] if names else []

    def set_rate(self, rate: float) -> None:
        """
        Args:
            rate: the network's.
        """
        set_learning_rate(self.optimisers, self.share * rate)

    def learn(self, decay: float) -> None:
        """One step by the gradients that there are, which are gone then, and one of the average."""
        for optimiser in self.optimisers:
            torch.nn.utils.clip_grad_norm_(list(self.network.parameters()), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            self.average.follow(self.network, decay)

    def averaged(self, encoders: Mapping[str, ImageEncoder]) -> dict[str, ImageEncoder]:
        """A model's encoders, those that learn as copies with their average."""
        with self.average.shown_in(self.network):
            copies = copy.deepcopy(self.network).requires_grad_(False)
        found = dict(encoders)
        for name, encoder in copies.items():
            assert isinstance(encoder, ImageEncoder)
            found[name] = encoder
        return found

    def state(self) -> dict[str, Tensor]:
        """What is needed to go on, beside the average: weights and momenta."""
        if not self.optimisers:
            return {}
        found = {f"{_WEIGHTS}{n}": p.detach() for n, p in self.network.named_parameters()}
        momenta = whole_momenta(self.network, self.optimisers)
        return found | {f"{_MOMENTA}{name}": value for name, value in momenta.items()}

    def resume(self, encoders: Mapping[str, ImageEncoder], state: Mapping[str, Tensor]) -> None:
        """
        Args:
            encoders: of the run's saved model: its average.
            state: of the run, which has none of encoders that were held.
        """
        for name, encoder in self.network.items():
            encoder.load_state_dict(encoders[name].state_dict())
        self.average.restart(self.network)
        if self.optimisers:
            load_whole_state(self.network, _part(state, _WEIGHTS))
            load_whole_momenta(self.network, self.optimisers, _part(state, _MOMENTA))


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
