import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.evaluation.reports import as_json, write_json, write_picture
from explorer.evaluation.scenes import Way


@dataclass(frozen=True)
class Inner:
    way: Way
    value: float


@dataclass(frozen=True)
class Outer:
    path: Path
    inner: tuple[Inner, ...]
    size: tuple[int, int]


def test_reports_survive_json(tmp_path: Path) -> None:
    report = Outer(Path("a/b"), (Inner(Way.OUT, 1.5), Inner(Way.BACK, math.nan)), (256, 144))
    path = tmp_path / "new" / "report.json"
    write_json(report, path)
    assert json.loads(path.read_text()) == {
        "path": "a/b",
        "inner": [{"way": "out", "value": 1.5}, {"way": "back", "value": None}],
        "size": [256, 144],
    }
    assert [p.name for p in path.parent.glob("[!.]*")] == ["report.json"]


def test_infinity_becomes_null_and_the_rest_stays() -> None:
    assert as_json({"a": math.inf, 1: [True, None, "x"]}) == {"a": None, "1": [True, None, "x"]}


def test_pictures_are_written_whole(tmp_path: Path) -> None:
    rgb = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    write_picture(rgb, tmp_path / "sheets" / "a.png")
    with Image.open(tmp_path / "sheets" / "a.png") as image:
        assert (np.asarray(image) == rgb).all()


def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json(Inner(Way.OUT, 1.0), path)
    with pytest.raises(TypeError):
        write_json(Inner(Way.OUT, object()), path)  # type: ignore[arg-type]
    assert json.loads(path.read_text())["value"] == 1.0


def test_files_of_the_users_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("mine")
    with pytest.raises(ValueError, match="would be replaced"):
        write_json(Inner(Way.OUT, 1.0), tmp_path / "report.json")
    (tmp_path / "a.png").write_text("mine")
    with pytest.raises(ValueError, match="would be replaced"):
        write_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.png")
    assert {p.read_text() for p in tmp_path.iterdir()} == {"mine"}
