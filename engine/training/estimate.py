"""What a training run needs, without running it: memory of one GPU, arithmetic, hours.

Arithmetic over a description of the network, not over modules, so that it also answers for
networks that do not fit this machine. A multiply and an add are 2 FLOPs; a backward pass costs
twice a forward pass where weights are trained, once where they only pass gradients on, and
checkpointing adds a forward pass (Chen et al. 2016). What a layer keeps for its backward pass was
counted by saved-tensor hooks, on our own layers and on those of diffusers' Wan 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Bytes of a number: weights, gradients and momenta are float32 in this trainer.
_WHOLE, _HALF = 4, 2
#: Elements that embedding and answers keep: in widths a token, and in patches a token.
_ENDS_WIDTHS, _ENDS_PATCHES = 3.7, 3.8
GIB = 2.0**30


@dataclass(frozen=True)
class Network:
    """A transformer as arithmetic sees it.

    Attributes:
        layers, width, mlp: of the trunk; `mlp` is the hidden width of its perceptrons.
        patch: numbers of a token of a picture.
        parameters, trained: how many there are, and how many of them get gradients.
        gated: camera gates, two matrices of width × width a layer.
        text: tokens of a text that every layer attends to; 0 where words are tokens themselves.
        kept: widths that a layer keeps of a token, beside 2 × `mlp`.
        autocast_bytes: bytes of a kept number under bfloat16 autocast, which leaves norms wide.
        frozen_bytes: bytes of a frozen weight.
    """

    layers: int
    width: int
    mlp: int
    patch: int
    parameters: int
    trained: int
    gated: bool = True
    text: int = 0
    kept: float = 21.5
    autocast_bytes: float = 2.5
    frozen_bytes: int = _WHOLE

    @property
    def layer_parameters(self) -> int:
        """Of the matrices that every token goes through in a layer."""
        squares = 4 + (2 if self.gated else 0) + (2 if self.text else 0)
        return squares * self.width**2 + 2 * self.width * self.mlp

    @property
    def adapted(self) -> bool:
        """Most weights are frozen: only adapters beside them are trained."""
        return self.trained < self.parameters / 2


@dataclass(frozen=True)
class Pass:
    """One sample of a lesson; counts of tokens.

    Attributes:
        tokens: of all its groups.
        pairs: over groups, tokens times the tokens that they see, themselves included.
        gathered: over groups that see others, the tokens that they see.
        asked: of the pictures that are asked.
    """

    tokens: float
    pairs: float
    gathered: float
    asked: float


@dataclass(frozen=True)
class Step:
    """One kind of step: its share of all steps, its batch on one GPU, and one of its samples."""

    name: str
    share: float
    batch: int
    sample: Pass


@dataclass(frozen=True)
class Gpu:
    """A GPU by its published peak: dense bfloat16 FLOP/s, and bytes of memory."""

    name: str
    flops: float
    memory: float


#: NVIDIA's data sheets: H100 SXM, A100 80 GB, RTX 4090 (bfloat16, float32 sums).
GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("h100", 989e12, 80 * GIB),
        Gpu("a100", 312e12, 80 * GIB),
        Gpu("4090", 165e12, 24 * GIB),
    )
}


def gpu_named(text: str) -> Gpu:
    """`h100`, `a100`, `4090`, or `FLOPS,GiB` such as `989e12,80`.

    Raises:
        ValueError: none of these.
    """
    if text.lower() in GPUS:
        return GPUS[text.lower()]
    try:
        flops, memory = (float(part) for part in text.split(","))
    except ValueError:
        flops = memory = 0.0
    if flops <= 0 or memory <= 0:
        raise ValueError(
            f"--gpu {text} is neither {', '.join(GPUS)} nor FLOPS,GiB such as 989e12,80"
        )
    return Gpu(text, flops, memory * GIB)


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU.

    Attributes:
        weights, gradients, optimiser, average: its share of the states.
        gathered: weights of layers that are whole for a moment, where the rest is sharded, and
            their copies in bfloat16 under autocast.
        activations, checkpointed: of the largest step, kept for the backward pass, without and
            with checkpointing.
        buffer: encoded entries that wait to be drawn.
    """

    weights: float
    gradients: float
    optimiser: float
    average: float
    gathered: float
    activations: float
    checkpointed: float
    buffer: float

    def total(self, checkpointing: bool) -> float:
        """All of it, for one of the two ways."""
        states = self.weights + self.gradients + self.optimiser + self.average + self.gathered
        return states + self.buffer + (self.checkpointed if checkpointing else self.activations)


def forward_flops(network: Network, sample: Pass) -> float:
    """FLOPs of one sample's forward pass."""
    width = network.width
    linear = 2.0 * sample.tokens * network.layer_parameters
    attention = 4.0 * sample.pairs * width
    text = 4.0 * sample.tokens * network.text * width + 4.0 * network.text * width**2
    ends = 2.0 * sample.tokens * (network.patch * width + width**2)
    ends += 2.0 * sample.asked * (3 * network.patch + 4 * network.patch) * width
    return network.layers * (linear + attention + (text if network.text else 0.0)) + ends


def step_flops(network: Network, steps: Sequence[Step], checkpointing: bool) -> float:
    """FLOPs of a mean step on one GPU, forward and backward."""
    passes = (2.0 if network.adapted else 3.0) + (1.0 if checkpointing else 0.0)
    return passes * sum(s.share * s.batch * forward_flops(network, s.sample) for s in steps)


def activation_numbers(network: Network, sample: Pass, checkpointing: bool) -> float:
    """How many numbers one sample's forward pass keeps, at most at once."""
    width = network.width
    layer = sample.tokens * (network.kept * width + 2 * network.mlp) + 2 * sample.gathered * width
    if network.text:
        layer += 4.0 * network.text * width
    ends = sample.tokens * (_ENDS_WIDTHS * width + _ENDS_PATCHES * network.patch)
    if checkpointing:
        return ends + network.layers * sample.tokens * width + layer
    return ends + network.layers * layer


def memory(
    network: Network, steps: Sequence[Step], buffer: float, gpus: int = 1, autocast: bool = True
) -> Memory:
    """Bytes on each of `gpus` GPUs; several share the states (FSDP, Zhao et al. 2023).

    Alone, matrices have one momentum (Muon) and the rest two (AdamW); adapters and shards have two.
    """
    frozen, trained = network.parameters - network.trained, network.trained
    each = network.autocast_bytes if autocast else float(_WHOLE)
    layers = network.layers * network.layer_parameters
    muon = gpus == 1 and not network.adapted
    momenta = 2 * trained - (min(layers, trained) if muon else 0)
    gathered = 0.0
    if gpus > 1:
        # One layer is used while the next is fetched, and gradients of one are whole.
        gathered += _WHOLE * network.layer_parameters * (2 + (not network.adapted))
    if autocast:
        gathered += _HALF * (layers if gpus == 1 else 2 * network.layer_parameters)

    def most(checkpointing: bool) -> float:
        return max(
            s.batch * activation_numbers(network, s.sample, checkpointing) * each for s in steps
        )

    return Memory(
        weights=(trained * _WHOLE + frozen * network.frozen_bytes) / gpus,
        gradients=trained * _WHOLE / gpus,
        optimiser=momenta * _WHOLE / gpus,
        average=trained * _WHOLE / gpus,
        gathered=gathered,
        activations=most(False),
        checkpointed=most(True),
        buffer=buffer,
    )


def hours(flops: float, steps: int, gpu: Gpu, utilisation: float) -> float:
    """Of a run of so many steps, each of `flops` on every GPU; waiting for one another is not in.

    Args:
        utilisation: model FLOP utilisation, the share of the GPU's peak that is reached.
    """
    return flops * steps / (gpu.flops * utilisation) / 3600.0


def lora_parameters(network: Network, rank: int) -> int:
    """Trained numbers of adapters on every matrix of the trunk's layers."""
    width, mlp = network.width, network.mlp
    ends = 3 * width + width + width + width  # of q, k, v in one, and of the output: in + out
    ends += 3 * width if network.gated else 0
    ends += 8 * width if network.text else 0
    return network.layers * rank * (ends + 2 * (width + mlp))


def _wan(layers: int, width: int, mlp: int) -> Network:
    """A Wan 2.1 text-to-video transformer (Wan Team 2025, table 1) with our camera gates."""
    layer = 8 * width**2 + 2 * width * mlp + 2 * width**2
    rest = 4096 * width + width**2 + 256 * width + 7 * width**2 + 2 * 64 * width
    total = layers * layer + rest
    return Network(
        layers=layers,
        width=width,
        mlp=mlp,
        patch=64,
        parameters=total,
        trained=total,
        text=512,
        kept=27.0,
        autocast_bytes=2.8,
        frozen_bytes=_HALF,
    )


#: Networks that are known by name: `--estimate NAME`.
NETWORKS = {
    "wan2.1-t2v-1.3b": _wan(30, 1536, 8960),
    "wan2.1-14b": _wan(40, 5120, 13824),
}
