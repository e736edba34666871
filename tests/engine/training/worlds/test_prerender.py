"""Rendering to disk: exact files, resumption."""

import numpy as np
import pytest

from engine.training.worlds import prerender
from engine.training.worlds.prerender import Job, load_sequence, save_sequence, sequence_path
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import sample_sequence


@pytest.fixture
def job(tmp_path, bank, monkeypatch):
    monkeypatch.setattr(TextureBank, "from_folder", staticmethod(lambda *_, **__: bank))
    return Job(out=tmp_path / "out", count=3, views=2, width=64, height=40, start_seed=7)


def test_files_hold_what_was_rendered(tmp_path, bank):
    sequence = sample_sequence(1, 2, 40, 64, "train", bank)
    path = sequence_path(tmp_path, 1)
    save_sequence(path, sequence)
    back = load_sequence(path)
    assert np.array_equal(back.rgb, sequence.rgb)
    known = np.isfinite(sequence.depth)
    assert np.array_equal(np.isfinite(back.depth), known)
    assert np.allclose(back.depth[known], sequence.depth[known], rtol=1e-3)
    assert (back.caption, back.family, back.seed) == (
        sequence.caption,
        sequence.family,
        sequence.seed,
    )
    for a, b in zip(back.cameras, sequence.cameras, strict=True):
        assert np.array_equal(a.T_world_camera, b.T_world_camera)
        assert a.intrinsics == b.intrinsics
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing temporary is left"


def test_an_interrupted_run_goes_on(job, monkeypatch):
    prerender.prerender(job)
    files = sorted(job.out.glob("0*.npz"))
    assert [f.name for f in files] == ["00000007.npz", "00000008.npz", "00000009.npz"]
    first = load_sequence(files[1]).rgb
    files[1].unlink()
    kept = files[0].stat().st_mtime_ns
    rendered = []
    real = prerender.sample_sequence
    monkeypatch.setattr(
        prerender,
        "sample_sequence",
        lambda seed, *a, **k: rendered.append(seed) or real(seed, *a, **k),
    )
    prerender.prerender(job)
    assert rendered == [8]
    assert files[0].stat().st_mtime_ns == kept
    assert np.array_equal(load_sequence(files[1]).rgb, first)


def test_a_strange_file_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="render it again"):
        load_sequence(path)


@pytest.mark.parametrize("size", ["256", "ax9", "250x144", "0x0"])
def test_bad_sizes_exit_with_two(tmp_path, size, capsys):
    with pytest.raises(SystemExit) as stopped:
        prerender.main([str(tmp_path), "--count", "1", "--size", size])
    assert stopped.value.code == 2
    assert "size" in capsys.readouterr().err
