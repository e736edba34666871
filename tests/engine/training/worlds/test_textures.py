"""The texture bank: photographs, splits, cache, sampling."""

import numpy as np
import pytest
import torch
from PIL import Image

from engine.training.worlds.textures import TextureBank


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "floor_tex").mkdir()
    lines = ["file,path"]
    for i in range(40):
        name = f"floor_tex/{i:02d}.png" if i % 2 else f"{i:02d}.png"
        picture = rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / name)
        lines.append(f"{name},source{i // 4}.jpg#crop{i}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    return tmp_path


def test_photographs_join_and_crops_of_one_source_stay_together(photos):
    bank = TextureBank.from_folder(photos, size=16)
    seen, held = bank.train.get("photo", ()), bank.unseen.get("photo", ())
    assert len(seen) + len(held) == 20
    assert not set(seen) & set(held)
    assert len(bank.train.get("photo_paving", ())) + len(bank.unseen.get("photo_paving", ())) == 20
    assert len(seen) % 2 == 0, "two crops of each source are photographs; they share a split"


def test_cache_gives_the_same_bank(photos, tmp_path):
    cache = tmp_path / "bank.cache"
    fresh = TextureBank.from_folder(photos, size=16, cache=cache)
    assert cache.exists()
    for p in photos.rglob("*.png"):
        p.unlink()
    again = TextureBank.from_folder(photos, size=16, cache=cache)
    assert torch.equal(fresh.levels, again.levels)
    assert fresh.train == again.train
    assert fresh.unseen == again.unseen


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no JPEG, PNG or WebP"):
        TextureBank.from_folder(tmp_path, size=16)


def test_sampling_at_texel_centres_and_at_the_coarsest_level(bank):
    page = bank.page([3])
    n = bank.size
    finest = page.texels[: n * n].view(n, n, 3)
    at = torch.tensor([5, 17])
    u, v = (at + 0.5) / n, (at.flip(0) + 0.5) / n
    index = torch.zeros(2, dtype=torch.int64)
    exact = page.sample(index, u + 4, v - 2, torch.zeros(2))
    assert torch.allclose(exact, finest[at.flip(0), at], atol=1e-4)
    coarse = page.sample(index, u, v, torch.full((2,), 20.0))
    assert torch.allclose(coarse[0], coarse[1])
    assert torch.allclose(coarse[0], finest.mean((0, 1)), atol=0.03)
