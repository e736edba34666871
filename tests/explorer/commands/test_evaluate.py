"""What `photowalk evaluate` refuses before it measures."""

from pathlib import Path

import pytest

from main import BAD_INPUT, main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["worlds", "--size", "1024x576", "--steps", "2"], "--steps is a table of what the model"),
        (["worlds", "--size", "128x80"], "is less than --model-size 256x144"),
        (["worlds", "--true-depth"], "larger than the model's"),
        (["drift", "--size", "1024x1024"], "differ in shape"),
        (["speed", "--size", "1020x572"], "multiples of 8"),
        (["speed", "--model-size", "250x144"], "multiples of 16"),
    ],
)
def test_sizes_that_cannot_be_measured(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["evaluate", *arguments, "--out", str(tmp_path / "out"), "--device", "cpu"])
    assert end.value.code == BAD_INPUT
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
