"""The running mean of what is trained, beside the network, and the mean of finished runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.model.model import Model, own_transformer

M = TypeVar("M", bound=nn.Module)


class Average:
    """Exponential mean of a network's trained parameters, whole or sharded as they are.

    Frozen ones are not kept twice, as torch's `AveragedModel` would, which also copies no network
    that is sharded.

    Attributes:
        values: by the parameters' names.
    """

    def __init__(self, network: nn.Module) -> None:
        self.values = {name: p.detach().clone() for name, p in _trained(network)}

    def follow(self, network: nn.Module, decay: float) -> None:
        """One step towards the network: mean ← decay · mean + (1 − decay) · now."""
        now: tuple[Tensor, ...] = tuple(p for _, p in _trained(network))
        step = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        step(tuple(self.values.values()), now, None)

    def restart(self, network: nn.Module) -> None:
        """The mean is what the network holds now."""
        self.values = {name: p.detach().clone() for name, p in _trained(network)}

    @contextmanager
    def shown_in(self, network: nn.Module) -> Iterator[None]:
        """For a while the network's trained parameters are the mean."""
        now = {name: p.detach().clone() for name, p in _trained(network)}
        _fill(network, self.values)
        try:
            yield
        finally:
            _fill(network, now)


def _trained(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, p) for name, p in network.named_parameters() if p.requires_grad]


@torch.no_grad()
def _fill(network: nn.Module, values: dict[str, Tensor]) -> None:
    for name, parameter in _trained(network):
        parameter.copy_(values[name])


def outline(network: M) -> M:
    """A copy whose parameters have shapes and no values; see `filled`.

    It costs no memory, and knows how to build the network again after it was sharded.
    """
    memo: dict[int, object] = {
        id(p): nn.Parameter(torch.empty_like(p, device="meta"), requires_grad=p.requires_grad)
        for p in network.parameters()
    }
    return copy.deepcopy(network, memo)


def filled(shape: M, state: dict[str, Tensor]) -> M:
    """The network that `shape` is an outline of, with weights of its own, not to be trained."""
    network = copy.deepcopy(shape)
    network.load_state_dict({name: t.detach().clone() for name, t in state.items()}, assign=True)
    return network.eval().requires_grad_(False)


def meta_numbers(build: Callable[[], nn.Module]) -> int:
    """How many parameters a network would have; it takes no memory."""
    with torch.device("meta"):
        return sum(p.numel() for p in build().parameters())


@torch.no_grad()
def mean_model(model: Model, others: Sequence[Model]) -> Model:
    """Every weight of the network and of the encoders that it reads is the mean of theirs; codec,
    words and decoders are the first's.

    Runs that went on from one another end in one valley, and their mean often draws better than
    each ("model soups", Wortsman et al. 2022).

    Raises:
        ValueError: networks of different shape, of others, or with words that do not agree.
    """
    networks = [own_transformer(m) for m in (model, *others)]
    words = model.tokenizer.vocabulary
    for network, other in zip(networks[1:], others, strict=True):
        if network.config != networks[0].config:
            raise ValueError(
                "only weights of one shape have a mean: "
                f"{networks[0].config} and {network.config} differ"
            )
        known = other.tokenizer.vocabulary
        if list(known) != list(words[: len(known)]):
            raise ValueError(
                "the words of the weights do not agree; name those first that know more words, and "
                "take runs that went on from one another"
            )
    mean = copy.deepcopy(networks[0])
    _fill_with_mean(mean, networks)
    encoders = dict(model.encoders)
    for name in model.maker.read:
        encoders[name] = copy.deepcopy(model.encoders[name])
        _fill_with_mean(encoders[name], [m.encoders[name] for m in (model, *others)])
    return replace(model, transformer=mean, encoders=encoders, weights_hash="")


def _fill_with_mean(mean: nn.Module, networks: Sequence[nn.Module]) -> None:
    parts = [dict(network.named_parameters()) for network in networks]
    for name, parameter in mean.named_parameters():
        parameter.copy_(torch.stack([part[name] for part in parts]).mean(0))
