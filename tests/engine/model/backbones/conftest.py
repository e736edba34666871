"""Tiny random models of Wan, UMT5 and a tokenizer, as a user's folder would hold them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.model.backbones.text import PieceTokenizer, TextEncoder
from engine.model.backbones.wan.network import WanBackbone
from engine.model.kinds import KINDS, Kind
from engine.model.tokens import Group, Picture

diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

TEXT_LENGTH = 24
WORDS = ["a", "room", "with", "doors", "street"]


def tiny_wan(seed: int = 0, **changes: Any) -> Any:
    """Random in every weight, biases too: zeros would hide what they pass on."""
    shape = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 16,
        "freq_dim": 16,
        "ffn_dim": 32,
        "num_layers": 3,
        "rope_max_seq_len": 64,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wan = diffusers.WanTransformer3DModel(**(shape | changes)).eval()
        for parameter in wan.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape)
    return wan


def tiny_umt5(seed: int = 0) -> Any:
    config = transformers.UMT5Config(
        vocab_size=32, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.UMT5EncoderModel(config).eval()


def tiny_pieces() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<pad>", "</s>", "<unk>", *(kind.prompt for kind in KINDS.values()), *WORDS]
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def tokenizer() -> PieceTokenizer:
    return PieceTokenizer(tiny_pieces(), TEXT_LENGTH)


def text_encoder() -> TextEncoder:
    words = tokenizer()
    return TextEncoder(tiny_umt5, words.pad, words.encode(()).ids)


def backbone(wan: Any | None = None) -> WanBackbone:
    whole = WanBackbone(wan or tiny_wan(), text_encoder(), text_length=TEXT_LENGTH)
    return whole.eval()


def tiny_vae(seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return diffusers.AutoencoderKLWan(
            base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1
        ).eval()


def save_pipeline(folder: Path, **parts: Any) -> Path:
    """A pipeline's folder, as `WanPipeline.save_pretrained` leaves it."""
    found = {"transformer": tiny_wan, "vae": tiny_vae, "text_encoder": tiny_umt5}
    for name, make in found.items():
        (parts.get(name) or make()).save_pretrained(folder / name)
    tiny_pieces().save_pretrained(folder / "tokenizer")
    index = {
        "_class_name": "WanPipeline",
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def prompt(kinds: Kind | tuple[Kind, ...] = Kind.RGB, caption: str = "") -> Tensor:
    return torch.tensor([tokenizer().encode(kinds, caption).ids] * 2)


def picture(kind: Kind, slot: int, level: float, seed: int = 0, **given: Any) -> Picture:
    """Of 6×8 latents; `rays=True` and `hint=True` draw some."""
    generator = torch.Generator().manual_seed(
        1000 * seed + 10 * slot + list(KINDS).index(kind.name)
    )

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    levels = torch.full((2,), level)
    if kind is Kind.RAYS:
        return Picture(kind, slot, draw(2, 6, 3, 4), levels)
    content = draw(2, 16, 6, 8)
    rays = draw(2, 6, 3, 4) if given.get("rays") else None
    hint = draw(2, 33, 6, 8) if given.get("hint") else None
    return Picture(kind, slot, content, levels, rays, hint)


def asked(*pictures: Picture, ids: Tensor | None = None, sees: tuple[int, ...] = ()) -> Group:
    return Group(pictures, prompt() if ids is None else ids, sees, asked=True)


@torch.no_grad()
def randomise(module: nn.Module, seed: int = 9, size: float = 0.1) -> None:
    """Everything that is trained, as if it had been."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * size)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The functions above: test modules cannot import one another here."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if callable(v) or k.isupper()})


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never write into it."""
    return save_pipeline(tmp_path_factory.mktemp("models") / "tiny-wan")


@pytest.fixture(autouse=True)
def _libraries_warn() -> Any:
    """Warnings from inside libraries are theirs; ours stay errors."""
    with warnings.catch_warnings():
        for library in ("diffusers", "transformers", "huggingface_hub"):
            warnings.filterwarnings("ignore", module=library)
        yield
