"""A retrieval strategy of your own: which remembered views the model is shown again.

    python examples/own_retrieval.py [PHOTO] [OUT]

A strategy is a function from a `Query` to at most `query.count` views, best first. It is entered
under a name, and asked for by that name; `memory/retrieval` holds those that come with Photowalk.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions
from memory.retrieval import STRATEGIES, Query, Retrieved

ROOM = Path(__file__).parents[1] / "assets" / "samples" / "room.png"
PHOTO = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOM
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("out/examples/own_retrieval")


def alike(query: Query) -> list[Retrieved]:
    """The views that look most nearly the same way, wherever they stand; the photo goes first."""
    ahead = query.poses.T_world_camera[:, :3, 2] @ query.camera.forward  # (V,) cosines
    order = [0, *(int(i) for i in np.argsort(-ahead, kind="stable") if i)]
    return [Retrieved(int(query.poses.ids[i]), 0.0) for i in order[: query.count]]


STRATEGIES["alike"] = alike
options = RunOptions(
    photo=PHOTO, out=OUT, path="look-around", views=4, strategy="alike", overwrite=True
)
print(walk_photo(options))
for view in json.loads((OUT / "walk.json").read_text())["views"]:
    print(f"view {view['view']} was shown {[shown['view'] for shown in view['retrieved']]}")
