"""What a kind of network tells of itself, and what a model is read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.model.backbones.backbone import Backbone
from engine.model.checkpoints import stored_header
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.costs import NetworkShape
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.weights_folder import read_object

#: What the folder of a pipeline of diffusers holds.
PIPELINE_INDEX = "model_index.json"


@dataclass(frozen=True)
class Source:
    """What a model is to be read from, as far as can be told without reading weights.

    Attributes:
        path: a pipeline's folder, or one file.
        transformer: the class of a pipeline's transformer; empty for a file.
        format: what a file's header calls its format; empty where it says nothing.
        config: the header's configuration.
    """

    path: Path
    transformer: str = ""
    format: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(path: Path) -> Source:
        """
        Raises:
            CheckpointError: a folder that is no model, or a pipeline's index that is damaged.
        """
        if (path / PIPELINE_INDEX).is_file():
            named = read_object(path / PIPELINE_INDEX).get("transformer")
            found = str(named[-1]) if isinstance(named, list) and named else "no transformer"
            return Source(path, found)
        path = _only_file(path) if path.is_dir() else path
        header = stored_header(path)
        return Source(path, "", header.format, header.config)


@dataclass(frozen=True)
class Reading:
    """How a model is read.

    Attributes:
        codec: where the autoencoder of diffusers that a checkpoint names lies now, or that codec
            itself; None where it lies as it did, or beside the checkpoint.
        precision: of the weights of others; ours are float32.
    """

    codec: Path | PictureCodec | None = None
    precision: torch.dtype = torch.float32


class BackboneFamily(ABC):
    """Networks of one kind: how they are told, read, saved, adapted, and weighed.

    Attributes:
        name: unique.
        pipelines: classes of transformers whose pipelines it reads, for telling people.
    """

    name: str
    pipelines: tuple[str, ...] = ()

    @abstractmethod
    def owns(self, network: Backbone) -> bool:
        """Whether a network is of this kind."""

    @abstractmethod
    def recognises(self, source: Source) -> bool:
        """Whether a model of this kind lies there."""

    @abstractmethod
    def read(self, path: Path, how: Reading) -> Model:
        """
        Raises:
            CheckpointError: it cannot be used.
        """

    @abstractmethod
    def save(self, model: Model, path: Path, eight_bit: bool) -> None:
        """Writes what was trained; what stays as it came may be named."""

    @abstractmethod
    def adapted(self, network: Backbone, rank: int, seed: int) -> Backbone:
        """With adapters of a rank that say nothing yet; what came trained is frozen in place.

        Raises:
            ValueError: it is adapted already.
        """

    @abstractmethod
    def shape(self, network: Backbone) -> NetworkShape:
        """For counting what a pass takes."""


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(
            f"{folder} is no model: it has neither the {PIPELINE_INDEX} of a pipeline nor one "
            f"safetensors file, but {len(files)}"
        )
    return files[0]
