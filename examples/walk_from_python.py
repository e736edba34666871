"""A walk from Python: what `photowalk walk` does, in one call, with a progress of your own.

    python examples/walk_from_python.py [PHOTO] [OUT]

OUT then holds the files of a walk, contact_sheet.png and video.mp4 among them. A second run
replaces them; whatever else the folder holds is refused, not replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions
from explorer.walk.telling import RunProgress

ROOM = Path(__file__).parents[1] / "assets" / "samples" / "room.png"
PHOTO = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOM
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("out/examples/walk")


def tell(progress: RunProgress) -> None:
    """Hears of every pass of the network."""
    print(progress.note or f"{progress.done} of {progress.total} views: {progress.message}")


# Every option of the command line is a field; `overwrite` begins anew where a run was stopped.
options = RunOptions(photo=PHOTO, out=OUT, path="forth-and-back", views=4, overwrite=True)
print(walk_photo(options, tell))
