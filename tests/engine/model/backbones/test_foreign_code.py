"""A pipeline's folder may hold code; none of it is ever run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.model.errors import CheckpointError
from engine.model.storage import read_model


@pytest.mark.parametrize("known", [True, False])
def test_code_of_a_pipeline_is_never_run(
    tmp_path: Path, pipeline: Path, foreign_code, known: bool
) -> None:
    """Not even by a user who says yes to it: transformer, codec, text encoder and tokenizer."""
    folder = Path(shutil.copytree(pipeline, tmp_path / "pipeline"))
    if not known:
        for name in ("tokenizer.json", "config.json"):
            (folder / "tokenizer" / name).unlink(missing_ok=True)
        named = {"tokenizer_class": "Foreign"}
        (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(named))
    ran = foreign_code(folder)
    if known:
        read_model(folder).transformer.text.rows(None)
    else:
        with pytest.raises(CheckpointError, match="tokenizer"):
            read_model(folder)
    assert not ran()
