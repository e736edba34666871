"""Gives a model's network the sight of another file: it says nothing yet, and can be learnt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from engine.model.model import Model, own_transformer
from engine.model.sight import Sight
from engine.model.transformer import Transformer

#: Pixels to one of the features that a network reads, unless told: those of a token, and twice it.
STRIDES = (16, 32)


def seeing(model: Model, sight: Sight, strides: Collection[int] = STRIDES) -> Model:
    """The model with all parts of `sight`, and projections for what its network
    reads of every encoder: the levels of some strides.

    The projections are zero, so that the network draws what it drew; decoders and the lens's head
    are at work at once.

    Raises:
        ValueError: the network reads encoders already, is not our own, or an encoder gives no
            features at one of the strides.
    """
    plain = own_transformer(model)
    if plain.config.encoders:
        names = ", ".join(told.name for told in plain.config.encoders)
        raise ValueError(
            f"the network reads {names} already, by projections that know these features alone; "
            "leave --sight out to go on with them"
        )
    read = tuple(encoder.description.reading(strides) for encoder in sight.encoders.values())
    with torch.random.fork_rng(devices=[]):
        network = Transformer(replace(plain.config, encoders=read))
    network.load_state_dict(plain.state_dict())
    return replace(
        model,
        transformer=network.eval(),
        encoders=sight.encoders,
        decoders=sight.decoders,
        lens=sight.lens,
        weights_hash="",
    )
