"""The mean of finished runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.model.codec import Codec, CodecConfig
from engine.model.model import Model, new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.average import mean_model


def model(seed: int, words: tuple[str, ...] = ("a", "wall"), width: int = 32) -> Model:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    shape = TransformerConfig(width=width, layers=1, heads=2, latent_channels=8, words=32)
    return new_model(codec, Tokenizer(words), shape, seed)


def test_every_weight_is_the_mean_and_the_given_models_stay_as_they_are() -> None:
    models = [model(seed) for seed in range(3)]
    before = [{k: v.clone() for k, v in m.transformer.state_dict().items()} for m in models]
    mean = mean_model(models[0], models[1:])
    for name, value in mean.transformer.state_dict().items():
        torch.testing.assert_close(value, sum(b[name] for b in before) / 3)
    for m, old in zip(models, before, strict=True):
        for name, value in m.transformer.state_dict().items():
            assert torch.equal(value, old[name])
    assert mean.codec is models[0].codec


def test_a_run_that_learned_more_words_comes_first() -> None:
    early, late = model(0), model(1, ("a", "wall", "chair"))
    assert mean_model(late, [early]).tokenizer.vocabulary == ("a", "wall", "chair")
    with pytest.raises(ValueError, match="know more words"):
        mean_model(early, [late])
    with pytest.raises(ValueError, match="know more words"):
        mean_model(late, [replace(early, tokenizer=Tokenizer(["wall", "a"]))])


def test_weights_of_another_shape_have_no_mean() -> None:
    with pytest.raises(ValueError, match="one shape"):
        mean_model(model(0), [model(1, width=64)])
