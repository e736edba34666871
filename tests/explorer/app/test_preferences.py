from __future__ import annotations

from PyQt6.QtCore import QByteArray

from explorer.app.preferences import MOST_RECENT, Preferences


def test_recent_files_are_few_ordered_and_still_there(tmp_path) -> None:
    preferences = Preferences(tmp_path / "p.ini")
    files = [tmp_path / f"{k}.png" for k in range(MOST_RECENT + 3)]
    for file in files:
        file.touch()
        preferences.opened(file)
    preferences.opened(files[5])
    again = Preferences(tmp_path / "p.ini").recent
    assert again[0] == files[5]
    assert len(again) == MOST_RECENT
    assert len(set(again)) == MOST_RECENT
    files[5].unlink()
    assert files[5] not in Preferences(tmp_path / "p.ini").recent


def test_layout_and_folder_are_kept(tmp_path) -> None:
    preferences = Preferences(tmp_path / "p.ini")
    assert preferences.layout is None
    preferences.keep_layout(QByteArray(b"a"), QByteArray(b"b"))
    preferences.set_walks_folder(tmp_path / "w")
    preferences.set_mouse_speed(0.5)
    again = Preferences(tmp_path / "p.ini")
    assert again.layout == (QByteArray(b"a"), QByteArray(b"b"))
    assert again.walks_folder == tmp_path / "w"
    assert again.mouse_speed == 0.5
