"""Every command of the run-book is accepted by the parser of the program that it calls."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

import main as program
from engine.training import cli
from engine.training.worlds import prerender

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = ROOT / "engine" / "training" / "RUNBOOK.md"
PROGRAMS = ("photowalk", "python", "torchrun", "accelerate")


def commands() -> list[str]:
    """Lines of all code blocks."""
    blocks = RUNBOOK.read_text(encoding="utf-8").split("```")[1::2]
    return [line for block in blocks for line in block.strip().splitlines()]


def trained(words: list[str]) -> None:
    options = cli.training_parser().parse_args(words)
    assert callable(options.run)
    if words[0] != "export" and getattr(options, "estimate", None) is None:
        assert options.out is not None


def photowalk(words: list[str]) -> None:
    if words[0] == "train":
        trained(words[1:])
        return
    command, rest = program.cli.commands[words[0]], words[1:]
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], list(rest))


def python_module(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert words[:2] == ["-m", "engine.training.worlds.prerender"]
    jobs: list[prerender.Job] = []
    monkeypatch.setattr(prerender, "prerender", jobs.append)
    assert prerender.main(words[2:]) == 0
    assert jobs[0].count > 0


def launched(words: list[str], module: str) -> None:
    """The rest behind `-m engine.training.cli` is the trainer's."""
    assert module == "engine.training.cli"
    trained(words)


def test_there_are_commands_of_every_program() -> None:
    first = {shlex.split(line)[0] for line in commands()}
    assert first == set(PROGRAMS)
    assert len(commands()) > 15


@pytest.mark.parametrize("line", commands())
def test_the_parsers_accept_it(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)
    assert words[0] in PROGRAMS, line
    if words[0] == "photowalk":
        photowalk(words[1:])
    elif words[0] == "python":
        python_module(words[1:], monkeypatch)
    elif words[0] == "torchrun":
        from torch.distributed.run import get_args_parser

        given = get_args_parser().parse_args(words[1:])
        launched(given.training_script_args, given.training_script)
    else:
        launch = pytest.importorskip("accelerate.commands.launch", reason="pip install accelerate")
        assert words[1] == "launch"
        given = launch.launch_command_parser().parse_args(words[2:])
        launched(given.training_script_args, given.training_script)


def test_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        photowalk(["train", "model", "--codec", "c", "--out", "o", "--no-such-option"])
    with pytest.raises(click.UsageError):
        photowalk(["label", "folder", "--depth-prior", "m", "--out", "o", "--no-such-option"])
