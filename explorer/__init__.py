"""Everything that people use: the walk, its tools, the terminal and the window."""

import os

# Torch's idle threads sleep instead of spinning; it reads this when it is first imported. Beside
# one other busy program a view took 21 s with spinning threads and 0.5 s with sleeping ones.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
