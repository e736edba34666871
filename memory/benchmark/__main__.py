"""`python -m memory.benchmark [COUNT …]`: a table of milliseconds by stored views."""

from __future__ import annotations

import sys

from memory.benchmark.timing import measure_memory


def main(arguments: list[str]) -> None:
    counts = [int(a) for a in arguments] or [10, 100, 1000]
    print("views   surfels   add ms     look ms   retrieve ms     look + retrieve ms")
    for t in measure_memory(counts):
        print(
            f"{t.views:5d} {t.surfels:9d} {t.add_ms:8.1f} {t.look_ms:11.1f}"
            f" {t.retrieve_ms:13.1f} {t.step_ms:22.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
