"""A run writes into a folder of its own."""

from __future__ import annotations

import pytest
import torch

from engine.model.checkpoints import save_checkpoint
from engine.training.cli import main
from engine.training.own_run import require_own_run, run_in


@pytest.mark.parametrize(
    "name", ["model.safetensors", "log.jsonl", "losses.png", "state.safetensors"]
)
def test_what_is_the_users_is_not_written_over(tmp_path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="choose another --out"):
        require_own_run(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_a_run_of_ours_may_be_gone_on_with(tmp_path) -> None:
    require_own_run(tmp_path / "new")
    save_checkpoint(tmp_path / "model.safetensors", {"w": torch.zeros(1)}, {})
    (tmp_path / "log.jsonl").touch()
    (tmp_path / "mine.txt").touch()
    require_own_run(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        ["codec", "--photos", "p", "--out", "{}/mine.txt"],
        ["export", "--model", "m", "--out", "{}/mine.txt"],
        ["model", "--codec", "c", "--out", "{}"],
        ["adapters", "--model", "m", "--out", "{}"],
    ],
)
def test_every_command_asks_first(tmp_path, capsys, command: list[str]) -> None:
    for name in ("mine.txt", "log.jsonl"):
        (tmp_path / name).write_text("mine")
    assert main([word.format(tmp_path) for word in command]) == 2
    assert "choose another --out" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("command", [["model", "--codec", "c"], ["adapters", "--model", "m"]])
def test_two_runs_do_not_share_a_folder(tmp_path, capsys, command: list[str]) -> None:
    with run_in(tmp_path / "out"):
        assert main([*command, "--out", str(tmp_path / "out")]) == 2
    assert "is training into" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
