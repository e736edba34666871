import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories import colmap_text, realestate10k, transforms_json
from engine.geometry.trajectories.detect import read_trajectory
from engine.geometry.trajectories.trajectory import TrajectoryError


def line(views=3):
    out = []
    for i in range(views):
        T = np.eye(4)
        T[2, 3] = i
        out.append(Camera(T, Intrinsics(0.8, 1.4)))
    return out


def test_formats_are_told_apart_by_content(tmp_path):
    realestate10k.write(tmp_path / "a.json", line())
    transforms_json.write(tmp_path / "b.txt", line(), ["1", "2", "3"], (64, 36))
    path = [{"camera_to_world": np.eye(4).ravel().tolist(), "fov": 50, "aspect": 1.5}]
    (tmp_path / "c").write_text("\ufeff" + json.dumps({"camera_path": path}), encoding="utf-8")
    (tmp_path / "d").mkdir()
    colmap_text.write(tmp_path / "d", line(), ["1", "2", "3"], (64, 36))
    expected = {
        "a.json": "realestate10k",
        "b.txt": "transforms.json",
        "c": "camera_path.json",
        "d": "colmap",
        "d/images.txt": "colmap",
        "d/cameras.txt": "colmap",
    }
    for name, kind in expected.items():
        assert read_trajectory(tmp_path / name).source_format == kind, name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no known camera path"),
        (b"hello\nworld\n", "no known camera path"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a text file"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1, 2]", "no known camera path"),
        (b'{"a": 1}', "no known camera path"),
        (b"title\n1 2 3\n", "no known camera path"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path, content, message):
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    with pytest.raises(TrajectoryError, match=message) as error:
        read_trajectory(file)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_missing_binary_and_huge_files_are_refused(tmp_path):
    with pytest.raises(TrajectoryError, match="cannot be read"):
        read_trajectory(tmp_path / "nothing.txt")
    with pytest.raises(TrajectoryError, match="model_converter"):
        read_trajectory(tmp_path / "images.bin")
    with pytest.raises(TrajectoryError, match=r"no cameras\.txt"):
        read_trajectory(tmp_path)
    with open(tmp_path / "huge.txt", "wb") as f:
        f.truncate(65 * 2**20)
    with pytest.raises(TrajectoryError, match="64 MiB"):
        read_trajectory(tmp_path / "huge.txt")


@given(
    text=st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["frames", "camera_path", "transform_matrix", "fov", "w"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ).map(json.dumps),
    )
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_gets_through_as_anything_but_a_refusal(tmp_path, text):
    file = tmp_path / "x"
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(TrajectoryError):
        read_trajectory(file)
