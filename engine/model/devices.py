"""The devices that a model can run on here: one list for the window and the command line."""

from __future__ import annotations

import torch

#: Stands for the best device that works, wherever a device is named.
AUTO = "auto"
CPU = "cpu"
_FAMILIES = (CPU, "cuda")


class DeviceError(ValueError):
    """A device that nothing can be computed on; one sentence that says why."""


def devices(first: str | None = None) -> tuple[str, ...]:
    """Every device that PyTorch counts.

    Args:
        first: which of them leads the list; None for the one that `AUTO` means.
    """
    first = first or best_device()
    return (first, *(name for name in (*_cards(), CPU) if name != first))


def best_device() -> str:
    """The first CUDA device that works, else the processor."""
    return next((card for card in _cards() if kernel_fault(card) is None), CPU)


def require_device(name: str) -> str:
    """The full name of a device that computes: `cuda` becomes `cuda:0`, `AUTO` the best one.

    One tiny kernel is run on it: a card that is counted may still be older than the build.

    Raises:
        DeviceError: it does not compute here; the sentence names what is missing.
    """
    if name == AUTO:
        return best_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            f"there is no device called {name!r}; choose {', '.join((AUTO, *devices()))}"
        ) from error
    if device.type not in _FAMILIES:
        raise DeviceError(f"Photowalk computes on cpu or cuda, not on {name!r}")
    if device.type == CPU:
        return CPU
    found = f"cuda:{device.index or 0}"
    fault = _absence(device.index or 0) or kernel_fault(found)
    if fault is not None:
        raise DeviceError(f"{name}: {fault}")
    return found


def _absence(index: int) -> str | None:
    """Why PyTorch does not even count a card; None where it does."""
    count = torch.cuda.device_count()
    if index < count:
        return None
    if count:
        return f"there {'is' if count == 1 else 'are'} only {count}"
    version = torch.__version__
    if torch.version.cuda is None and torch.version.hip is None:
        return f"this PyTorch is a CPU build ({version}): install one with CUDA"
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for ROCm"
    return (
        f"this PyTorch ({version}, built {built}) finds no card or no driver that it can use; "
        "`photowalk doctor` says more"
    )


def kernel_fault(card: str) -> str | None:
    """Why nothing can be computed on a card that is there; None where a product comes back."""
    try:
        product = (torch.full((2, 2), 3.0, device=card) @ torch.eye(2, device=card)).sum().item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"PyTorch {torch.__version__} cannot compute on it ({reason})"
    return None if product == 12.0 else f"it computes wrong ({product:g} instead of 12)"


def _cards() -> tuple[str, ...]:
    return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
