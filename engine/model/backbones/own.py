"""Our own transformer among the kinds of backbones, in one file with its words and its codec."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.model.backbones.backbone import Backbone
from engine.model.backbones.family import BackboneFamily, Reading, Source
from engine.model.checkpoints import read_checkpoint, save_checkpoint
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import PREFIX, codec_header, codec_tensors, restored_codec
from engine.model.control.concatenated import SpatialConcatenation
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.costs import NetworkShape
from engine.model.errors import CheckpointError
from engine.model.model import Model, own_transformer
from engine.model.sight import Sight, restored_sight
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, transformer_config


class OwnFamily(BackboneFamily):
    """Our own transformer, in one file with its words and its codec."""

    name = "own"

    def owns(self, network: Backbone) -> bool:
        return isinstance(network, Transformer)

    def recognises(self, source: Source) -> bool:
        return not source.transformer

    def read(self, path: Path, how: Reading) -> Model:
        return _read_own(path, how.codec)

    def save(self, model: Model, path: Path, eight_bit: bool) -> None:
        transformer = own_transformer(model)
        tensors = {f"{PREFIX}{k}": v for k, v in codec_tensors(model.codec).items()}
        tensors |= {f"transformer.{k}": v for k, v in transformer.state_dict().items()}
        sight = Sight(model.encoders, model.decoders, model.lens)
        tensors |= sight.tensors()
        config = {
            "codec": codec_header(model.codec),
            "transformer": asdict(transformer.config),
            "vocabulary": list(model.tokenizer.vocabulary),
            **sight.headers(),
        }
        save_checkpoint(path, tensors, config, eight_bit)

    def adapted(self, network: Backbone, rank: int, seed: int) -> Backbone:
        assert isinstance(network, Transformer)
        control = ControlConfig(Coupling.SPATIAL, LoraConfig(rank, float(rank)), 0, seed)
        return SpatialConcatenation(network, control)

    def shape(self, network: Backbone) -> NetworkShape:
        assert isinstance(network, Transformer)
        config = network.config
        mlp = config.width * config.mlp_ratio
        return NetworkShape(config.width, config.layers, mlp, gated=config.camera_gate)


def _read_own(path: Path, codec: Path | PictureCodec | None) -> Model:
    stored = read_checkpoint(path)
    try:
        parts = _part(stored.tensors, PREFIX)
        restored = restored_codec(stored.config["codec"], parts, path, codec)
        tokenizer = Tokenizer(stored.config["vocabulary"])
        shape = transformer_config(stored.config["transformer"])
        # Kinds that came after the checkpoint have words that it does not know.
        transformer = Transformer(replace(shape, words=max(shape.words, len(tokenizer))))
        transformer.load_state_dict(_part(stored.tensors, "transformer."))
        sight = restored_sight(stored.config, stored.tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} was written for another version of the network ({reason})"
        ) from error
    whole = Model(restored.eval(), transformer.eval(), tokenizer)
    return replace(whole, encoders=sight.encoders, decoders=sight.decoders, lens=sight.lens)


def _part(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
