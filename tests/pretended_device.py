"""A second device for machines that have none: what lies there is computed on the CPU all the same,
and operations that mix both devices are refused, as CUDA refuses them.

It goes by the name of `meta`, the one device besides the CPU that every build of torch knows.
Kernels, compilers and speed of a real device are not tried by it; which tensors meet is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

FAR = torch.device("meta")
_aten = torch.ops.aten


@dataclass(frozen=True)
class Trip:
    """Numbers that went from one device to the other: "down" to the CPU or "up" from it."""

    way: Literal["down", "up"]
    shape: tuple[int, ...]


_LISTS: list[list[Trip]] = []


@contextmanager
def noted_trips() -> Iterator[list[Trip]]:
    """All of the block, in their order."""
    _LISTS.append([])
    try:
        yield _LISTS[-1]
    finally:
        _LISTS.pop()


def _note(way: Literal["down", "up"], x: Tensor) -> None:
    for trips in _LISTS:
        trips.append(Trip(way, tuple(x.shape)))


class FarTensor(Tensor):
    """Says that it lies on `FAR`; its numbers are those of `near`."""

    near: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, near: Tensor) -> FarTensor:
        made = Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=FAR,
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        args, kwargs = tree_map(_found, (tuple(args), dict(kwargs or {})))
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        far = {id(t.near): t for t in tensors if isinstance(t, FarTensor)}
        _refuse_mixed(func, args, tensors)
        device = kwargs.get("device")
        near_args, near_kwargs = tree_map(_near, (args, kwargs))
        if device is not None:
            near_kwargs["device"] = torch.device("cpu")
        answer = func(*near_args, **near_kwargs)
        if func is _aten.copy_.default:
            if not isinstance(args[1], FarTensor):
                _note("up", args[1])
            return args[0]
        if func is _aten._local_scalar_dense.default or (device is not None and device != FAR):
            if isinstance(answer, Tensor):
                _note("down", answer)
            return answer

        def wrapped(t: Any) -> Any:
            if not isinstance(t, Tensor):
                return t
            return far[id(t)] if id(t) in far else FarTensor(t)

        return tree_map(wrapped, answer)


def _near(t: Any) -> Any:
    return t.near if isinstance(t, FarTensor) else t


def _found(t: Any) -> Any:
    """Autograd makes its zeros on a real `meta`, where no function of ours sees them."""
    lost = isinstance(t, Tensor) and not isinstance(t, FarTensor) and t.device == FAR
    return FarTensor(torch.zeros(t.shape, dtype=t.dtype)) if lost else t


def _refuse_mixed(func: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> None:
    """Single numbers may come from the CPU, and so may indices; copies go anywhere."""
    if func in (_aten.copy_.default, _aten._to_copy.default):
        return
    indexing = func in (_aten.index.Tensor, _aten.index_put_.default, _aten.index_put.default)
    if indexing and isinstance(args[0], FarTensor):
        tensors = [t for t in (args[0], *args[2:]) if isinstance(t, Tensor)]
    both = {isinstance(t, FarTensor) for t in tensors if t.ndim or isinstance(t, FarTensor)}
    if len(both) > 1:
        raise RuntimeError(f"Expected all tensors to be on the same device, in {func}")


class _Carry(torch.autograd.Function):
    """From one device to the other, and the gradient back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.dtype = x.dtype
        return _carried(x, dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _carried(gradient, ctx.dtype), None


def _carried(x: Tensor, dtype: torch.dtype) -> Tensor:
    with torch._C.DisableTorchFunction():
        _note("down" if isinstance(x, FarTensor) else "up", x)
        if isinstance(x, FarTensor):
            return x.near.to(dtype, copy=True)
        return FarTensor(x.detach().to(dtype, copy=True))


class _Pretence(TorchFunctionMode):
    """What torch would do for `FAR` before any kernel is chosen."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = dict(kwargs or {})
        first = args[0] if args else None
        special = {Tensor.to: _to, Tensor.tolist: _tolist, Tensor.__setitem__: _set_item}
        if func in special and isinstance(first, Tensor):
            return special[func](*args, **kwargs)
        if func in (Tensor.numpy, Tensor.__array__) and isinstance(first, FarTensor):
            raise TypeError("can't convert a tensor of another device to numpy")
        if func in (torch.where, Tensor.where) and any(isinstance(a, FarTensor) for a in args):
            # Its plain numbers would be made on the real `meta`, and be lost.
            args = tuple(a if isinstance(a, Tensor) else FarTensor(torch.tensor(a)) for a in args)
        if _is_far(kwargs.get("device")):
            return _made(func, args, kwargs)
        return func(*args, **kwargs)


def _is_far(device: Any) -> bool:
    return isinstance(device, str | torch.device) and torch.device(device) == FAR


def _made(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    if kwargs.get("generator") is not None:
        raise RuntimeError("Expected another device type for generator but found 'cpu'")
    args, kwargs = tree_map(_near, (args, {**kwargs, "device": "cpu"}))
    made = func(*args, **kwargs)
    if func in (torch.tensor, torch.as_tensor, torch.asarray):
        _note("up", made)
    return FarTensor(made)


def _to(x: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
    place, dtype = kwargs.get("device"), kwargs.get("dtype")
    for a in args:
        if isinstance(a, Tensor):
            place, dtype = a.device, a.dtype
        elif isinstance(a, torch.dtype):
            dtype = a
        elif isinstance(a, str | torch.device):
            place = a
    there = x.device if place is None else torch.device(place)
    if there != x.device:
        carried: Tensor = _Carry.apply(x, dtype or x.dtype)
        return carried
    if (dtype or x.dtype) == x.dtype and not copy:
        return x
    return _aten._to_copy.default(x, dtype=dtype or x.dtype)  # type: ignore[no-any-return]


def _tolist(x: Tensor) -> Any:
    with torch._C.DisableTorchFunction():
        if isinstance(x, FarTensor):
            _note("down", x)
        return _near(x).tolist()


def _set_item(x: Tensor, index: Any, value: Any) -> None:
    indices = [i for i in tree_leaves(index) if isinstance(i, Tensor)]
    far = isinstance(x, FarTensor)
    if not far and any(isinstance(i, FarTensor) for i in indices):
        raise RuntimeError("indices should be on the same device")
    mixed = isinstance(value, Tensor) and isinstance(value, FarTensor) is not far
    if indices and mixed and value.ndim:
        raise RuntimeError("Expected all tensors to be on the same device, in index_put_")
    with torch._C.DisableTorchFunction():
        _near(x)[tree_map(_near, index)] = _near(value)


def _autocast(device_type: str, *args: Any, **kwargs: Any) -> Any:
    return nullcontext() if device_type == FAR.type else _AUTOCAST(device_type, *args, **kwargs)


_AUTOCAST = torch.autocast


@contextmanager
def pretended_device() -> Iterator[torch.device]:
    """`FAR` exists inside; modules move there by exchanging their parameters."""
    future = torch.__future__
    before = future.get_swap_module_params_on_conversion()
    future.set_swap_module_params_on_conversion(True)
    try:
        with patch("torch.autocast", _autocast), _Pretence():
            yield FAR
    finally:
        future.set_swap_module_params_on_conversion(before)
