"""Everything that people use: the walk, its tools, the terminal and the window."""

import os

# Threads of torch that wait for one another look a thousand times before they sleep; its OpenMP
# reads this when torch is first imported. On two cores a view takes 0.5 s so, 0.8 s where threads
# sleep at once, and beside one other busy program 0.9 and 0.7 s; threads that spin as long as
# torch's own setting has it then take 21 s.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
