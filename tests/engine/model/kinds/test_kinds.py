"""Kinds: what their pictures mean, that there is one object for each, and adding a new one."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.model.codec import Codec
from engine.model.kinds import FIRST_KINDS, KINDS, Kind, kind_named, register
from engine.model.kinds.encoded import Colours
from engine.model.model import Model, new_model
from engine.model.pictures import PictureMaker, content_shape, make_picture
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.tokens import Group
from engine.model.transformer import Transformer, TransformerConfig
from tests.test_imports import module_name, sources

SHAPE = TransformerConfig(width=32, layers=2, heads=1, words=9)  # two, the first five, two


@pytest.fixture
def normal() -> Iterator[Kind]:
    """A kind that no checkpoint knows."""
    kind = register(Colours("NORMAL", "<Normals>"))
    yield kind
    del KINDS["NORMAL"]


def model() -> Model:
    made = new_model(Codec(), Tokenizer(["a", "room"]), SHAPE)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return made


def asked(kind: Kind, ids: tuple[int, ...]) -> Group:
    generator = torch.Generator().manual_seed(2)
    shape = content_shape(kind, (32, 48), 32)
    content = torch.randn(shape, generator=generator)
    picture = make_picture(kind, 0, content, torch.full((1,), 0.7))
    return Group((picture,), torch.tensor([ids]), asked=True)


def test_there_is_one_object_for_each_kind() -> None:
    assert tuple(KINDS)[: len(FIRST_KINDS)] == FIRST_KINDS
    for name, kind in KINDS.items():
        assert kind_named(name) is kind
        assert copy.deepcopy(kind) is kind
        assert pickle.loads(pickle.dumps(kind)) is kind
    with pytest.raises(ValueError, match="there is a kind RGB or a prompt <Other> already"):
        register(Colours("RGB", "<Other>"))


def test_colours_and_depth_are_bounded_and_come_back() -> None:
    rgb = torch.tensor([0.0, 0.25, 1.0]).view(1, 3, 1, 1)
    assert Kind.RGB.to_picture(rgb, 3.0).flatten().tolist() == [-1.0, -0.5, 1.0]
    torch.testing.assert_close(Kind.WARP.from_picture(Kind.WARP.to_picture(rgb, 1.0), 1.0), rgb)
    depth = torch.tensor([2.0, 6.0, torch.inf, torch.nan]).view(1, 1, 2, 2)
    picture = Kind.DEPTH.to_picture(depth, 2.0)
    # p = 2 / (1 + d/σ) − 1; sky is −1; what is unknown counts as σ.
    assert picture[0, 0].flatten().tolist() == [0.0, -0.5, -1.0, 0.0]
    assert picture.shape == (1, 3, 2, 2)
    back = Kind.DEPTH.from_picture(picture, 2.0).flatten()
    torch.testing.assert_close(back[:2], depth.flatten()[:2])
    assert bool(back[2].isinf())


def test_points_keep_their_signs_and_the_sky() -> None:
    points = torch.tensor([[3.0, -1.0, torch.nan], [0.0, torch.inf, 2.0]]).T.view(1, 3, 1, 2)
    picture = Kind.XYZ.to_picture(points, 1.0)
    torch.testing.assert_close(picture[0, :, 0, 0], torch.tensor([0.75, -0.5, 0.0]))
    found = Kind.XYZ.from_picture(picture, 1.0)
    torch.testing.assert_close(found[0, :2, 0, 0], points[0, :2, 0, 0])
    assert bool(found[0, :, 0, 1].isinf().all())  # the sky has no place on any axis


def test_rays_are_their_own_contents() -> None:
    rays = torch.randn(1, 6, 2, 3, generator=torch.Generator().manual_seed(0))
    maker = PictureMaker(Codec())
    assert maker.contents([Kind.RAYS], [rays])[0] is rays
    assert maker.pictures([Kind.RAYS], [rays], [None])[0] is rays
    assert content_shape(Kind.RAYS, (32, 48), 32) == (1, 6, 2, 3)
    assert content_shape(Kind.DEPTH, (32, 48), 32) == (1, 32, 4, 6)


def test_a_checkpoint_from_before_a_kind_draws_the_same(tmp_path: Path, request) -> None:
    old, path = model(), tmp_path / "old.safetensors"
    save_model(old, path, eight_bit=False)
    group = asked(Kind.RGB, old.tokenizer.encode(Kind.RGB, "a room").ids)
    before = old.transformer.eval()([group])[0][0]

    normal = request.getfixturevalue("normal")
    new = read_model(path)
    assert new.tokenizer.encode(Kind.RGB, "a room").ids == tuple(group.prompt[0].tolist())
    torch.testing.assert_close(new.transformer([group])[0][0], before, rtol=0, atol=0)
    # The new kind can be asked at once, by a word whose id comes after all others.
    (word,) = new.tokenizer.encode(normal).ids
    assert word == len(new.tokenizer) - 1 >= SHAPE.words
    answer = new.transformer([asked(normal, (word,))])[0][0]
    assert answer.shape == (1, 32, 4, 6)
    save_model(new, path, eight_bit=False)
    again = read_model(path).transformer([asked(normal, (word,))])[0][0]
    torch.testing.assert_close(again, answer, rtol=0, atol=0)


def test_a_checkpoint_with_a_kind_that_is_not_known_is_refused(tmp_path: Path, normal) -> None:
    save_model(model(), tmp_path / "new.safetensors", eight_bit=False)
    del KINDS["NORMAL"]
    try:
        with pytest.raises(ValueError, match="another version of the network"):
            read_model(tmp_path / "new.safetensors")
    finally:
        KINDS["NORMAL"] = normal


def test_projections_stored_by_number_are_read_by_name() -> None:
    network = model().transformer
    by_number = {}
    for name, value in network.state_dict().items():
        part, _, rest = name.partition(".")
        kind, _, end = rest.partition(".")
        if part in ("inputs", "outputs", "hint_out"):
            if kind not in FIRST_KINDS:
                continue
            name = f"{part}.{FIRST_KINDS.index(kind)}.{end}"
        by_number[name] = value
    other = Transformer(SHAPE)
    other.load_state_dict(by_number)
    found, later = other.state_dict(), [k for k in KINDS if k not in FIRST_KINDS]
    for name, value in network.state_dict().items():
        if not any(f".{kind}." in name for kind in later):
            torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_pictures_are_made_in_one_place() -> None:
    """Calls of `Picture(…)` where the tokens' Picture is imported."""
    faults = []
    for path in sources():
        tree = ast.parse(path.read_text())
        imported = any(
            isinstance(node, ast.ImportFrom)
            and node.module == "engine.model.tokens"
            and any(alias.name == "Picture" for alias in node.names)
            for node in ast.walk(tree)
        )
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Picture"
        ]
        if imported and calls:
            faults.append(module_name(path))
    assert faults == ["engine.model.pictures"]
