"""Export: cloud, cameras and video of a walk that was drawn earlier, read back from its journal.

    python examples/export_a_walk.py [WALK] [OUT]

WALK is the folder of a walk, by default that of examples/walk_from_python.py. No model is loaded:
the journal has all pictures, and a memory that is given them fuses the same points again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from explorer.walk.export import EXPORTS, export_all
from explorer.walk.journal import read_journal
from explorer.walk.recorded import recorded_input
from explorer.walk.results import JOURNAL_FOLDER, results_in
from memory.memory import Memory

WALK = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/examples/walk")
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("out/examples/export")

views = read_journal(WALK / JOURNAL_FOLDER).views
memory = Memory()
for drawn in views:
    memory.add(drawn.view)
points = memory.points()
record = recorded_input(views, points, raw=True, fps=4.0)  # the model's pictures, slowly
with results_in(OUT, EXPORTS) as results:
    export_all(record, results)
# `record` is plain: cameras, frames and depths are sequences, to be used without any file.
way = np.linalg.norm(np.diff([camera.position for camera in record.cameras], axis=0), axis=1)
print(f"{len(record.frames)} views over {way.sum():.2f} scene units, {len(points)} points in {OUT}")
