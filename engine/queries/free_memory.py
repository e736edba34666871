"""How much memory a device still has for us."""

from __future__ import annotations

from pathlib import Path

import torch

#: Limit, use, and details of a container's memory: version 2 of control groups, then version 1.
CGROUPS = (
    (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory.current"),
        Path("/sys/fs/cgroup/memory.stat"),
    ),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.stat"),
    ),
)


def free_memory(device: torch.device | str) -> int:
    """Bytes that this process may still take on a device.

    On a GPU that is what the driver has left and what PyTorch holds for us unused; else the
    system's memory, or its container's where that is smaller.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + held)
    import psutil  # where only a GPU's memory is asked about, it may be missing

    free = psutil.virtual_memory().available
    for limit, used, details in CGROUPS:
        try:
            left = int(limit.read_text()) - int(used.read_text()) + _cached(details)
        except (OSError, ValueError):
            continue  # no such limit here, or the word "max"
        free = min(free, left)
    return int(max(free, 0))


def _cached(details: Path) -> int:
    """Bytes of files that the container keeps only as long as nobody needs the memory."""
    try:
        fields = dict(line.split() for line in details.read_text().splitlines())
        return int(fields.get("total_inactive_file", fields.get("inactive_file", 0)))
    except (OSError, ValueError):
        return 0
