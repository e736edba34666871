"""Codecs in checkpoints: ours with its weights, one of diffusers by its name and hash alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.model.checkpoints import read_checkpoint
from engine.model.codec import Codec, codec_config
from engine.model.codecs.diffusers_codec import DiffusersCodec, DiffusersCodecConfig
from engine.model.codecs.folder import read_diffusers_codec
from engine.model.codecs.normalisation import Normalisation
from engine.model.codecs.picture_codec import CodecError, PictureCodec
from engine.model.errors import CheckpointError

#: Tensors of a whole model's own codec begin so.
PREFIX = "codec."


def codec_header(codec: PictureCodec) -> dict[str, Any]:
    """What a checkpoint's header says of the codec, as JSON."""
    if isinstance(codec, Codec | DiffusersCodec):
        return asdict(codec.config)
    raise CodecError(f"a {type(codec).__name__} cannot be named in a checkpoint")


def codec_tensors(codec: PictureCodec) -> dict[str, Tensor]:
    """What a checkpoint keeps of the codec's weights: all of ours, nothing of others'."""
    return dict(codec.state_dict()) if isinstance(codec, Codec) else {}


def restored_codec(
    header: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    checkpoint: Path,
    given: Path | PictureCodec | None = None,
) -> PictureCodec:
    """The codec that a checkpoint names.

    Args:
        header: what `codec_header` gave.
        tensors: the codec's, without prefix.
        given: the folder where an autoencoder of diffusers lies now, or the codec itself, loaded;
            None to look where it lay, and then beside the checkpoint under the same name.

    Raises:
        CodecError: it is not there, or is another one than the header names.
        KeyError, TypeError, RuntimeError: the checkpoint is of another version.
    """
    if "class_name" not in header:
        return _own_codec(header, tensors, checkpoint, given)
    named = _diffusers_config(header)
    if isinstance(given, PictureCodec):
        return _checked(given, named, checkpoint)
    return _checked(read_diffusers_codec(given or _place(named, checkpoint)), named, checkpoint)


def _own_codec(
    header: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    checkpoint: Path,
    given: Path | PictureCodec | None,
) -> PictureCodec:
    config = codec_config(header)
    # Its weights are here; the same codec in the hands of a caller changes nothing.
    if given is not None and not (isinstance(given, Codec) and given.config == config):
        raise CodecError(
            f"{checkpoint} was trained with Photowalk's own codec and has it inside; "
            "name no other one"
        )
    codec = Codec(config)
    codec.load_state_dict(tensors)
    return codec


def _diffusers_config(header: Mapping[str, Any]) -> DiffusersCodecConfig:
    values = dict(header)
    numbers = values.pop("normalisation")
    normalisation = Normalisation(tuple(numbers["shift"]), tuple(numbers["scale"]))
    return DiffusersCodecConfig(normalisation=normalisation, **values)


def _place(named: DiffusersCodecConfig, checkpoint: Path) -> Path:
    places = (Path(named.source), checkpoint.resolve().parent / named.name)
    for place in places:
        if place.is_dir():
            return place
    raise CodecError(
        f"{checkpoint} draws with the codec {named.name} ({named.class_name}), which is neither at "
        f"{places[0]} nor at {places[1]}; put it there, or name its folder with --codec"
    )


def _checked(found: PictureCodec, named: DiffusersCodecConfig, checkpoint: Path) -> PictureCodec:
    if isinstance(found, DiffusersCodec) and found.config.is_same_codec(named):
        return found
    raise CodecError(
        f"{checkpoint} was trained with the codec {named.name} ({named.class_name}, SHA-256 "
        f"{named.sha256[:12]}…), and {_told(found, named)}; name the folder of that one"
    )


def _told(found: PictureCodec, named: DiffusersCodecConfig) -> str:
    """How a codec differs from the one that is named."""
    if not isinstance(found, DiffusersCodec):
        return "Photowalk's own codec is another one"
    config = found.config
    if config.class_name != named.class_name:
        return f"{config.source} holds the class {config.class_name}"
    if config.sha256 != named.sha256:
        return f"the weights in {config.source} are others (SHA-256 {config.sha256[:12]}…)"
    return f"the config.json in {config.source} scales latents otherwise"


def read_codec(path: Path) -> PictureCodec:
    """To train on: our codec's own file, the codec of a whole model, or a folder of diffusers'.

    Raises:
        CheckpointError: one sentence about what cannot be used.
    """
    if path.is_dir():
        return read_diffusers_codec(path)
    stored = read_checkpoint(path)
    whole = {n.removeprefix(PREFIX): t for n, t in stored.tensors.items() if n.startswith(PREFIX)}
    try:
        return restored_codec(stored.config["codec"], whole or stored.tensors, path).eval()
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} holds no codec of this version ({reason})") from error
