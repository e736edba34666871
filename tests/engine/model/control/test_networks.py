"""Networks by configuration, at equal budget, and as files that know their weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from engine.model.checkpoints import save_checkpoint
from engine.model.control.adapters_file import FORMAT, read_adapters, weights_hash
from engine.model.control.joint_network import ControlConfig, Coupling, JointNetwork
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import (
    at_equal_budget,
    build_network,
    network_of,
    save_network,
    trained_size,
)
from engine.model.errors import CheckpointError
from engine.model.transformer import Transformer

CONTROL = ControlConfig(lora=LoraConfig(rank=4, alpha=8.0), links=2)


def trained(
    kit: SimpleNamespace, base: Transformer, coupling: Coupling = Coupling.DECOUPLED
) -> JointNetwork:
    network = build_network(base, replace(CONTROL, coupling=coupling))
    kit.randomise_trained(network)
    return network.eval()


@pytest.mark.parametrize("coupling", list(Coupling))
@torch.no_grad()
def test_a_saved_network_comes_back_over_its_base(
    kit: SimpleNamespace, base: Transformer, coupling: Coupling, tmp_path: Path
) -> None:
    network = trained(kit, base, coupling)
    save_network(network, tmp_path / "new" / "a.safetensors")
    found = network_of(read_adapters(tmp_path / "new" / "a.safetensors"), kit.random_transformer(3))
    assert found.control == network.control
    assert not any(p.requires_grad for p in found.parameters())
    for a, b in zip(network(kit.video())[1], found(kit.video())[1], strict=True):
        assert torch.equal(a, b)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("coupling", list(Coupling))
def test_equal_budgets_are_equal_within_a_rank(base: Transformer, coupling: Coupling) -> None:
    control = ControlConfig(lora=LoraConfig(rank=16, alpha=8.0), links=2)
    goal = trained_size(build_network(base, control))
    matched = at_equal_budget(base, control, coupling)
    assert matched.coupling is coupling
    assert matched.lora.alpha / matched.lora.rank == pytest.approx(0.5)
    assert trained_size(build_network(base, matched)) == pytest.approx(goal, rel=0.02)


def test_the_hash_is_of_the_weights_and_not_of_the_object(
    kit: SimpleNamespace, base: Transformer
) -> None:
    before = weights_hash(base)
    assert before == weights_hash(kit.random_transformer(3))
    build_network(base, CONTROL)
    assert weights_hash(base) == before
    with torch.no_grad():
        base.no_rays[0] += 1e-6
    assert weights_hash(base) != before
    assert weights_hash(base.to(torch.bfloat16)) != before


def test_other_weights_are_refused(kit: SimpleNamespace, base: Transformer, tmp_path: Path) -> None:
    save_network(trained(kit, base), tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"belongs to weights .* load the model"):
        network_of(read_adapters(tmp_path / "a.safetensors"), kit.random_transformer(4))


def test_missing_foreign_and_broken_files_are_told_apart(
    kit: SimpleNamespace, base: Transformer, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="there is no adapters file"):
        network_of(read_adapters(tmp_path / "none.safetensors"), base)
    path = tmp_path / "a.safetensors"
    path.write_text("hello")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        network_of(read_adapters(path), base)
    save_checkpoint(path, base.state_dict(), {})
    with pytest.raises(CheckpointError, match="no adapters of Photowalk"):
        network_of(read_adapters(path), base)


def rewritten(kit: SimpleNamespace, path: Path, base: Transformer, **header: str) -> None:
    """The file with parts of its header replaced; a part that is "" goes."""
    save_network(trained(kit, base), path)
    whole = {"format": FORMAT, "base": weights_hash(base), "config": "{}"} | header
    save_file(load_file(str(path)), str(path), {k: v for k, v in whole.items() if v})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "damaged header"),
        ("{", "damaged header"),
        ("[1]", "no configuration"),
        ("{}", "another version"),
        ('{"coupling": "telepathy", "lora": {"within": []}}', "another version"),
        (
            '{"coupling": "decoupled", "links": 2, "lora": {"rank": 2, "within": ["layers."]}}',
            "does not fit",
        ),
        ('{"coupling": "decoupled", "links": 9, "lora": {"within": ["layers."]}}', "9 links"),
    ],
)
def test_a_header_that_means_nothing_is_refused(
    kit: SimpleNamespace, base: Transformer, tmp_path: Path, config: str, said: str
) -> None:
    rewritten(kit, tmp_path / "a.safetensors", base, config=config)
    with pytest.raises(CheckpointError, match=said):
        network_of(read_adapters(tmp_path / "a.safetensors"), base)


def test_values_that_are_no_numbers_are_refused(
    kit: SimpleNamespace, base: Transformer, tmp_path: Path
) -> None:
    network = trained(kit, base)
    with torch.no_grad():
        network.links["0"].to_colour.weight[0, 0] = float("nan")
    save_network(network, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"links\.0\.to_colour\.weight is not finite"):
        network_of(read_adapters(tmp_path / "a.safetensors"), base)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_cut_file_never_loads(kit: SimpleNamespace, tmp_path: Path, data: st.DataObject) -> None:
    base = kit.random_transformer(3)
    path = tmp_path / "a.safetensors"
    save_network(build_network(base, CONTROL), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError):
        network_of(read_adapters(path), base)


def test_a_failed_write_leaves_the_old_file(
    kit: SimpleNamespace, base: Transformer, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_network(trained(kit, base), path)
    before = path.read_bytes()
    shared = torch.zeros(3, 3)
    with pytest.raises(RuntimeError):
        save_network(trained(kit, base), path, {"one": shared, "other": shared})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_smallest_network_has_a_rank_of_one(kit: SimpleNamespace) -> None:
    base = Transformer(replace(kit.TINY, layers=1))
    control = ControlConfig(lora=LoraConfig(rank=1, alpha=1.0), links=0)
    assert at_equal_budget(base, control, Coupling.CHANNEL).lora.rank == 1
