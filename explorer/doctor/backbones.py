"""Backbones of others, from their published configurations: weights, passes and codec in figures.

The numbers and where they come from are in `backbones.json`; nothing is imported or fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.model.costs import NetworkShape, ViewWork, tokens_of, view_bytes
from engine.model.memory_plan import MemoryNeeds, Part

DATA = Path(__file__).with_name("backbones.json")
BF16, FLOAT32 = 2, 4


@dataclass(frozen=True)
class WanSizes:
    """A `WanTransformer3DModel`; names as in `NetworkShape`."""

    name: str
    width: int
    heads: int
    layers: int
    mlp: int
    channels: int
    patch: int
    text_width: int
    frequencies: int

    @property
    def layer_parameters(self) -> int:
        """Self-attention, attention to words, their norms, MLP, and six modulations."""
        d = self.width
        attention = 4 * (d * d + d) + 2 * d
        return 2 * attention + 2 * d + 2 * d * self.mlp + self.mlp + d + 6 * d

    @property
    def gate_parameters(self) -> int:
        """What our camera gate adds to a layer (seed 003, eq. 14)."""
        return 2 * self.width * (self.width + 1)

    @property
    def parameters(self) -> int:
        """As published, without our gates."""
        d, patch = self.width, self.channels * self.patch**2
        embeddings = patch * d + d + _two_layers(self.frequencies, d) + d * 6 * d + 6 * d
        words = _two_layers(self.text_width, d)
        return self.layers * self.layer_parameters + embeddings + words + 2 * d + d * patch + patch

    @property
    def gated(self) -> Part:
        """In bfloat16, with our gates, which stay in float32."""
        gates = FLOAT32 * self.layers * self.gate_parameters
        layers = BF16 * self.layers * self.layer_parameters + gates
        largest = max(BF16 * (self.width + 1) * self.mlp, FLOAT32 * self.gate_parameters)
        return Part(BF16 * self.parameters + gates, layers, largest)


@dataclass(frozen=True)
class TextSizes:
    """The encoder half of a UMT5 model.

    Attributes:
        buckets: of relative positions, in every layer.
        tokens: the most that a prompt has.
        caption: tokens of a caption; what Wan pads it with costs one more.
    """

    name: str
    width: int
    inner: int
    mlp: int
    layers: int
    heads: int
    buckets: int
    vocabulary: int
    tokens: int
    caption: int

    @property
    def layer_parameters(self) -> int:
        attention = 4 * self.width * self.inner + self.buckets * self.heads
        return attention + 3 * self.width * self.mlp + 2 * self.width

    @property
    def parameters(self) -> int:
        return self.layers * self.layer_parameters + (self.vocabulary + 1) * self.width

    @property
    def part(self) -> Part:
        """In bfloat16."""
        layers = BF16 * self.layers * self.layer_parameters
        return Part(BF16 * self.parameters, layers, BF16 * self.width * self.mlp)

    @property
    def working_bytes(self) -> int:
        """Of encoding a prompt: attention holds its scores here, twice and in float32."""
        scores = 2 * self.heads * self.tokens**2 * FLOAT32
        biases = self.heads * self.tokens**2 * (BF16 + FLOAT32)
        return scores + biases + BF16 * self.tokens * (6 * self.width + 3 * self.mlp)


@dataclass(frozen=True)
class CodecSizes:
    """A diffusers autoencoder; operations and bytes of a pixel, bytes in bfloat16.

    Attributes:
        tile: pixels of a tile's side, and from one tile to the next.
    """

    name: str
    parameters: int
    downscale: int
    encode_flops: int
    decode_flops: int
    encode_bytes: int
    decode_bytes: int
    tile: tuple[int, int]

    def working_bytes(self, size: tuple[int, int], pictures: int) -> int:
        """Of encoding so many pictures at once, or decoding one; in float32, as the engine has
        latents and pictures."""
        pixels = size[0] * size[1]
        most = max(pictures * self.encode_bytes, self.decode_bytes)
        return most * pixels * FLOAT32 // BF16

    def tile_bytes(self, size: tuple[int, int], pictures: int) -> int:
        """The same where pictures are larger than a tile."""
        side = self.tile[0]
        return self.working_bytes((min(size[0], side), min(size[1], side)), pictures)

    def view_flops(self, size: tuple[int, int], context: int) -> int:
        """Context pictures and the view's own encoded, its picture and depth decoded."""
        pixels = size[0] * size[1]
        return pixels * ((context + 1) * self.encode_flops + 2 * self.decode_flops)


@dataclass(frozen=True)
class Backbone:
    """A published backbone with its codec and its text encoder."""

    transformer: WanSizes
    codec: CodecSizes
    text: TextSizes

    @property
    def name(self) -> str:
        return self.transformer.name

    @property
    def shape(self) -> NetworkShape:
        wan = self.transformer
        return NetworkShape(wan.width, wan.layers, wan.mlp, text_tokens=self.text.caption)

    def work(self, size: tuple[int, int]) -> ViewWork:
        """A view of (width, height) with a walk's default settings."""
        return ViewWork(tokens_of(size, self.codec.downscale, self.transformer.patch))

    def needs(self, size: tuple[int, int]) -> MemoryNeeds:
        """Memory of a walk of (width, height) pixels, transformer and words in bfloat16."""
        work = self.work(size)
        return MemoryNeeds(
            transformer=self.transformer.gated,
            codec=Part(FLOAT32 * self.codec.parameters),
            drawing=view_bytes(self.shape, work, BF16),
            coding=self.codec.working_bytes(size, work.context),
            tile=self.codec.tile_bytes(size, work.context),
            text=self.text.part,
            prompting=self.text.working_bytes,
        )


def parse_backbones(document: Mapping[str, Any]) -> tuple[Backbone, ...]:
    """In their order, the smallest first.

    Raises:
        ValueError: it is no list of backbones that this version can read.
    """
    if document.get("format") != "photowalk backbones" or document.get("version") != 1:
        raise ValueError("this is no list of backbones that this version can read")
    text = TextSizes(**document["text encoder"])
    fields = dict(document["codec"])
    codec = CodecSizes(**{**fields, "tile": tuple(fields["tile"])})
    return tuple(Backbone(WanSizes(**each), codec, text) for each in document["backbones"])


@cache
def published_backbones() -> tuple[Backbone, ...]:
    """Those that come with Photowalk's list."""
    return parse_backbones(json.loads(DATA.read_text(encoding="utf-8")))


def _two_layers(inside: int, width: int) -> int:
    return inside * width + width + width * width + width
