"""Wan among the kinds of backbones."""

from __future__ import annotations

from pathlib import Path

from engine.model.backbones.backbone import Backbone
from engine.model.backbones.family import BackboneFamily, Reading, Source
from engine.model.backbones.wan.adaptation import adapt, is_wan, wan_of
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.backbones.wan.files import TRANSFORMERS, read_backbone, read_wan, save_wan
from engine.model.control.adapters_file import FORMAT
from engine.model.costs import NetworkShape
from engine.model.model import Model

#: To how many words of a prompt every layer attends, as costs are counted.
_TEXT_TOKENS = 32


class WanFamily(BackboneFamily):
    """A pipeline's folder, or a file of what was trained on one."""

    name = "wan"
    pipelines = TRANSFORMERS

    def owns(self, network: Backbone) -> bool:
        return is_wan(network)

    def recognises(self, source: Source) -> bool:
        return source.transformer in TRANSFORMERS or (
            source.format == FORMAT and "wan" in source.config
        )

    def read(self, path: Path, how: Reading) -> Model:
        if path.is_dir():
            return read_backbone(path, how.precision, how.codec)
        return read_wan(path, how.precision, how.codec)

    def save(self, model: Model, path: Path, eight_bit: bool) -> None:
        save_wan(model, path)

    def adapted(self, network: Backbone, rank: int, seed: int) -> Backbone:
        return adapt(wan_of(network), WanAdaptation(Adapted.LORA, rank, float(rank), seed=seed))

    def shape(self, network: Backbone) -> NetworkShape:
        config = wan_of(network).config
        return NetworkShape(config.width, config.layers, config.mlp, _TEXT_TOKENS)
