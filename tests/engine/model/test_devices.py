"""One list of devices, and a sentence for each way in which one may be missing."""

from __future__ import annotations

import pytest
import torch

from engine.model import devices as module
from engine.model.devices import AUTO, DeviceError, best_device, devices, require_device


def cards(monkeypatch: pytest.MonkeyPatch, count: int, broken: tuple[str, ...] = ()) -> None:
    """A machine with so many cards, some of which compute nothing."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(
        module, "kernel_fault", lambda card: "no kernel image" if card in broken else None
    )


def test_the_processor_is_always_usable() -> None:
    assert require_device("cpu") == "cpu"
    assert devices()[-1] == "cpu" or devices()[0] == "cpu"


def test_auto_is_the_first_card_that_works_else_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cards(monkeypatch, 2)
    assert require_device(AUTO) == best_device() == "cuda:0"
    assert devices() == ("cuda:0", "cuda:1", "cpu")
    assert devices("cpu") == ("cpu", "cuda:0", "cuda:1")
    cards(monkeypatch, 2, broken=("cuda:0",))
    assert require_device(AUTO) == "cuda:1"
    assert devices() == ("cuda:1", "cuda:0", "cpu")
    cards(monkeypatch, 1, broken=("cuda:0",))
    assert require_device(AUTO) == "cpu"
    assert devices() == ("cpu", "cuda:0")
    cards(monkeypatch, 0)
    assert devices() == ("cpu",)


def test_a_card_has_one_name_however_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, 1)
    assert require_device("cuda") == require_device("cuda:0") == "cuda:0"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:-1"])
def test_a_name_that_means_nothing_is_answered_with_the_list(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cards(monkeypatch, 1)
    with pytest.raises(DeviceError, match=rf"no device called '{name}'; choose auto, cuda:0, cpu"):
        require_device(name)


@pytest.mark.parametrize("name", ["mps", "meta"])
def test_other_kinds_of_devices_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=f"cpu or cuda, not on '{name}'"):
        require_device(name)


def test_a_build_without_cuda_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch, "__version__", "2.13.0+cpu")
    with pytest.raises(DeviceError, match=r"a CPU build \(2\.13\.0\+cpu\): install one with CUDA"):
        require_device("cuda")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    with pytest.raises(DeviceError, match=r"built for CUDA 12\.8\) finds no card or no driver"):
        require_device("cuda")


def test_a_card_too_many_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, 2)
    with pytest.raises(DeviceError, match="cuda:3: there are only 2"):
        require_device("cuda:3")
    cards(monkeypatch, 1)
    with pytest.raises(DeviceError, match="cuda:1: there is only 1"):
        require_device("cuda:1")


def test_a_card_that_is_counted_must_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old card under a new build is counted, and its first kernel fails."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    def no_kernel(*_args: object, **_given: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available\nand much more")

    monkeypatch.setattr(torch, "full", no_kernel)
    with pytest.raises(DeviceError, match=r"cannot compute on it \(CUDA error: no kernel image is"):
        require_device("cuda")
    assert require_device(AUTO) == "cpu"


def test_a_card_that_computes_wrong_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    full, eye = torch.full, torch.eye
    monkeypatch.setattr(torch, "full", lambda shape, value, device: full(shape, value + 1))
    monkeypatch.setattr(torch, "eye", lambda n, device: eye(n))
    with pytest.raises(DeviceError, match=r"computes wrong \(16 instead of 12\)"):
        require_device("cuda")
