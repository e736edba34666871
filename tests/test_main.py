"""The command line answers at once, and tells bad input in one sentence."""

from __future__ import annotations

import dataclasses
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import main as command_line

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "numpy", "cv2", "PIL", "rich", "explorer.walk", "engine", "memory", "scipy"}


def run(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def fails_with(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """The one line on stderr, after checking that it is one line and the exit code."""
    with pytest.raises(SystemExit) as end:
        command_line.main(arguments)
    assert end.value.code == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 1, lines
    return lines[0]


def test_help_answers_at_once() -> None:
    """Counted in processor seconds, because the machine may be busy with something else."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    seconds = []
    for _ in range(3):
        begin = used()
        assert run("--help").returncode == 0
        seconds.append(used() - begin)
    assert min(seconds) < 0.5


@pytest.mark.parametrize("arguments", [["--help"], ["walk", "--help"], ["doctor", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys, main\n"
        "try: main.main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command_line.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("photowalk ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere.jpg"], "nowhere.jpg is neither a command nor a photo"),
        (["walk"], "Missing argument 'PHOTO'"),
        (["walk", "x.jpg"], "Missing option '--out'"),
        (["walk", "x.jpg", "--out", "o", "--size", "big"], "'big' is not a size"),
        (["walk", "x.jpg", "--out", "o", "--size", "0x9"], "'0x9' is not a size"),
        (["walk", "x.jpg", "--out", "o", "--model-size", "9"], "'9' is not a size"),
        (["walk", "x.jpg", "--out", "o", "--size", "128x72"], "less than --model-size 256x144"),
        (["open", "--size", "128x72"], "less than --model-size 256x144"),
        (["walk", "x.jpg", "--out", "o", "--points", "some"], "'some' is not one of"),
        (["walk", "x.jpg", "--out", "o", "--views", "0"], "--views"),
        (["walk", "x.jpg", "--out", "o", "--sped", "3"], "--sped"),
        (["walk", "x.jpg", "--out", "o", "--device", "gpu"], "no device called 'gpu'"),
        (["evaluate", "worlds", "--device", "gpu"], "no device called 'gpu'"),
        (["evaluate"], "Missing command"),
        (["evaluate", "dreams"], "'dreams'"),
        (["doctor", "--xml"], "--xml"),
    ],
)
def test_bad_arguments(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert expected in fails_with(capsys, arguments)


def _walk_arguments(photo: Path, out: Path, *more: str) -> list[str]:
    return ["walk", str(photo), "--out", str(out), *more]


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.jpg", b""), ("words.png", b"no picture at all"), ("broken.jpg", b"\xff\xd8\xff\xe0")],
)
def test_bad_photos(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes
) -> None:
    photo = tmp_path / name
    photo.write_bytes(content)
    sentence = fails_with(capsys, _walk_arguments(photo, tmp_path / "out"))
    assert name in sentence
    assert not (tmp_path / "out" / "walk.json").exists()


def test_a_missing_photo(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sentence = fails_with(capsys, _walk_arguments(tmp_path / "gone.jpg", tmp_path / "out"))
    assert "gone.jpg" in sentence


def test_an_unexpected_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(command_line.doctor, "callback", broken)
    with pytest.raises(KeyError):
        command_line.main(["doctor"])


def test_full_gpu_memory_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    def full(**_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory, and then many lines")

    monkeypatch.setattr(command_line.doctor, "callback", full)
    assert "smaller --model-size" in fails_with(capsys, ["doctor"])


def test_a_file_error_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unwritable(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "views/0001.png")

    monkeypatch.setattr(command_line.doctor, "callback", unwritable)
    assert fails_with(capsys, ["doctor"]) == "photowalk: views/0001.png: Permission denied"


def test_an_interrupted_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line.doctor, "callback", interrupted)
    assert fails_with(capsys, ["doctor"], code=130) == "photowalk: stopped"


def test_the_options_are_those_of_the_parts() -> None:
    """A renamed field would otherwise be noticed by users first."""
    from explorer.evaluation.clips import ClipOptions
    from explorer.evaluation.memory import MemoryOptions
    from explorer.evaluation.sharp.worlds import SharpWorldsOptions
    from explorer.evaluation.speed import SpeedOptions
    from explorer.evaluation.worlds_report import WorldsOptions
    from explorer.walk.run_options import RunOptions

    measurements = command_line.evaluate.commands
    parts = {
        (RunOptions,): command_line.walk,
        (ClipOptions,): measurements["clip"],
        (MemoryOptions,): measurements["memory"],
        (SpeedOptions,): measurements["speed"],
        (WorldsOptions, SharpWorldsOptions): measurements["worlds"],
    }
    for part, command in parts.items():
        fields = {field.name for options in part for field in dataclasses.fields(options)}
        offered = {parameter.name for parameter in command.params}
        assert offered - fields == set(), part
        if part == (RunOptions,):
            assert fields - offered == set()


def test_evaluate_passes_on_only_what_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from explorer.evaluation import memory

    asked: list[memory.MemoryOptions] = []
    monkeypatch.setattr(memory, "evaluate_memory", asked.append)
    for counts in ([], ["3", "7"]):
        with pytest.raises(SystemExit) as end:
            command_line.main(["evaluate", "memory", "--out", str(tmp_path), *counts])
        assert end.value.code == 0
    assert [options.counts for options in asked] == [(10, 100, 1000), (3, 7)]
    assert asked[0].out == tmp_path


def test_help_names_every_path_and_strategy() -> None:
    from engine.geometry.paths import PATH_NAMES
    from memory.retrieval import STRATEGIES

    text = " ".join(run("walk", "--help").stdout.split())
    assert [name for name in (*PATH_NAMES, *STRATEGIES) if name not in text] == []


@pytest.mark.parametrize(
    "command",
    [
        ["open"],
        ["walk"],
        *(["evaluate", name] for name in ("worlds", "drift", "clip", "photos", "speed", "seeds")),
        ["interpolate"],
        ["reconstruct"],
        ["generate"],
        ["edit"],
    ],
    ids=" ".join,
)
def test_whatever_draws_takes_the_same_engine_options(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.main([*command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for option in ("--weights", "--codec", "--device", "--compile / --no-compile"):
        assert option in told
    assert "auto is CUDA where it works, else cpu. [default: auto]" in told


def test_a_device_that_is_missing_ends_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.version.cuda", None)
    video, out = str(tmp_path / "v"), str(tmp_path / "out")
    for command in (
        ["open"],
        ["walk", "p.png", "--out", out],
        ["reconstruct", video, "--out", out],
        ["interpolate", video, video, "--out", out],
        ["generate", "--text", "room", "--out", out],
        ["edit", video, "--first-frame", video, "--out", out],
        ["evaluate", "speed", "--out", out],
        ["evaluate", "memory", "--out", out],
        ["label", video, "--depth-prior", "x", "--out", out],
        ["train", "codec", "--out", out],
    ):
        with pytest.raises(SystemExit) as ended:
            command_line.main([*command, "--device", "cuda"])
        assert ended.value.code == 2, command
        told = capsys.readouterr().err
        assert "this PyTorch is a CPU build" in told, command
        assert told.count("\n") == 1
    assert not Path(out).exists()
