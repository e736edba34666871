from __future__ import annotations

from explorer.walk.export.selection import ExportKind, check, export_kinds


def test_every_kind_is_written_and_found_whole(record, tmp_path) -> None:
    told = []
    kinds = tuple(ExportKind)
    checked = export_kinds(record, tmp_path, kinds, lambda *step: told.append(step))
    assert [c.kind for c in checked] == list(kinds)
    assert all(c.ok for c in checked), [c for c in checked if not c.ok]
    assert told[0] == ("video.mp4", 0, len(kinds))
    assert all(c.path.exists() for c in checked)


def test_only_what_was_chosen_is_written_and_a_stop_holds(record, tmp_path) -> None:
    kinds = (ExportKind.PLY, ExportKind.TRANSFORMS, ExportKind.COLMAP)
    asked = []

    def after_one() -> bool:
        asked.append(1)
        return len(asked) > 1

    [only] = export_kinds(record, tmp_path, kinds, None, after_one)
    assert only.kind is ExportKind.PLY
    assert [p.name for p in tmp_path.glob("[!.]*")] == ["points.ply"]


def test_damage_is_found(record, tmp_path) -> None:
    kinds = (ExportKind.PLY, ExportKind.GLB, ExportKind.VIDEO, ExportKind.REALESTATE10K)
    for good in export_kinds(record, tmp_path, kinds):
        data = good.path.read_bytes()
        good.path.write_bytes(data[: len(data) // 2])
        assert not check(record, good.kind, good.path).ok, good.kind


def test_other_cameras_are_found(record, tmp_path) -> None:
    [good] = export_kinds(record, tmp_path, (ExportKind.REALESTATE10K,))
    lines = good.path.read_text().splitlines()
    numbers = lines[-1].split()
    numbers[-1] = str(float(numbers[-1]) + 0.01)
    good.path.write_text("\n".join([*lines[:-1], " ".join(numbers)]) + "\n")
    found = check(record, good.kind, good.path)
    assert not found.ok
    assert "off by" in found.sentence
