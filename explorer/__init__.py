"""Everything that people use: the walk, its tools, the terminal and the window."""

import os

# Threads of torch that wait for one another look a thousand times before they sleep; its OpenMP
# reads this when torch is first imported. On two cores a view takes 0.6 s so, and 0.8 s where they
# sleep at once; beside one other busy program 0.9 and 0.6 s, and 21 s by torch's own setting.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
