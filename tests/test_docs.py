"""What the documentation names is there: files, what is in them, and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import main as program

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SUFFIXES = r"py|md|json|jsonl|toml|txt|safetensors|png|jpg"
#: A path of the project in backticks: with a folder, or one of its first level.
PATH = re.compile(rf"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:{SUFFIXES}))?|main\.py|\.ci/run)`")
#: A source file, and names in backticks right behind it.
INSIDE = re.compile(r"`([\w/]+\.py)`((?:,? `[A-Za-z_][\w.]*`)+)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
#: The first folder of paths that are the project's; others are of the user.
OURS = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in ("out", "runs")}


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def missing_paths(page: str) -> list[str]:
    found = (match for match in PATH.findall(page) if match.split("/")[0] in {*OURS, "main.py"})
    return [path for path in found if not (ROOT / path).exists()]


def missing_names(page: str) -> Iterator[str]:
    for path, names in INSIDE.findall(page):
        source = text(ROOT / path) if (ROOT / path).is_file() else ""
        for name in re.findall(r"`([\w.]+)`", names):
            # At the top of the file, or one level into a class.
            for part in name.split("."):
                defined = rf"^(?:    )?(?:(?:def|class) {part}\b|{part}\b[^=\n(]*[:=])"
                if not re.search(defined, source, re.MULTILINE):
                    yield f"{path}: {part}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_is_there(page: Path) -> None:
    assert missing_paths(text(page)) == []
    links = [link for link in LINK.findall(text(page)) if not (page.parent / link).exists()]
    assert links == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_is_in_its_file(page: Path) -> None:
    assert list(missing_names(text(page))) == []


def test_what_is_missing_is_noticed() -> None:
    page = "`engine/geometry/gone.py` and `memory/memory.py` `Memory.add`, `Memory.gone`; `out/x/`"
    assert missing_paths(page) == ["engine/geometry/gone.py"]
    assert list(missing_names(page)) == ["memory/memory.py: gone"]


def test_the_road_and_the_words_name_enough() -> None:
    """Otherwise the patterns above would find nothing to check."""
    named = {page.stem: len(INSIDE.findall(text(page))) for page in PAGES}
    assert named["architecture"] > 30
    assert named["words"] > 60


def commands() -> list[tuple[str, str]]:
    """`photowalk …` in all code blocks that are written out, with the page."""
    found = []
    for page in PAGES:
        for block in text(page).split("```")[1::2]:
            lines = [line.split("  ")[0] for line in block.splitlines()[1:]]
            found += [(page.name, line) for line in lines if line.startswith("photowalk ")]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_are_accepted(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    if words[0] == "train":
        from engine.training.cli import training_parser

        training_parser().parse_args(words[1:])
        return
    command: click.Command = program.cli
    while isinstance(command, click.Group):
        assert words[0] in command.commands, f"{page}: {line}"
        command, words = command.commands[words[0]], words[1:]
    if words != ["--help"]:
        command.make_context(command.name or "", list(words))


def test_the_table_of_commands_is_whole() -> None:
    readme = text(ROOT / "README.md")
    named = set(re.findall(r"^\| `photowalk (\w+)", readme, re.MULTILINE))
    assert named == set(program.cli.commands)


def test_every_page_can_be_reached() -> None:
    linked = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(text(page))}
    assert [page.name for page in (ROOT / "docs").glob("*.md") if page not in linked] == []


def test_the_readme_is_short_and_has_its_commands() -> None:
    readme = text(ROOT / "README.md")
    assert len(readme.split()) < 1800
    for marker in ("main command", "test command"):
        assert f"<!-- {marker} -->\n```\n" in readme


def test_the_keys_of_the_table_are_those_of_the_window() -> None:
    pytest.importorskip("PyQt6")
    from explorer.app.keys import MOVES, Action

    readme = text(ROOT / "README.md")
    table = readme.split("| keys | |")[1].split("\n\n")[0]
    shown = set(re.findall(r"\b[A-Z]\w*", table.replace("arrows", "Left Right Up Down")))
    keys = {key for _, key in MOVES.values()}
    keys |= {a.default for a in Action if a.group != "File"}
    assert keys - shown == set()
