"""A folder that a run may write into: it holds no run, or one of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.model.checkpoints import require_own
from engine.model.claim import claimed
from engine.training.adversary import JUDGE
from engine.training.depth.trainer import SIGHT
from engine.training.trainer import ADAPTERS, MODEL, STATE

#: What a run writes beside its weights, after they are there.
_BESIDE = (STATE, JUDGE, "log.jsonl", "losses.png", "held_out.jsonl")


@contextmanager
def run_in(out: Path, writes: bool = True) -> Iterator[None]:
    """Holds a run's folder, in the one of its processes that writes.

    Raises:
        ValueError: something of somebody else's would be replaced, or another run goes on there.
    """
    if not writes:
        yield
        return
    with claimed(out / ".photowalk.lock", f"training into {out}"):
        require_own_run(out)
        yield


def require_own_run(out: Path) -> None:
    """Nothing of somebody else's would be replaced by a run, or written on.

    Raises:
        ValueError: it would; one sentence.
    """
    weights = [out / name for name in (MODEL, ADAPTERS, SIGHT)]
    for path in weights:
        require_own(path)
    others = [out / name for name in _BESIDE if (out / name).exists()]
    if others and not any(path.exists() for path in weights):
        raise ValueError(
            f"{others[0]} lies where a run would write, and no run of ours is there; choose "
            "another --out"
        )
