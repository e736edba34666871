"""A depth model of `transformers`, from a folder, as a source of the photo's depth.

`transformers` is imported when a model is loaded, never before, and reaches no network then: the
folder has all of it, in safetensors.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engine.model.errors import first_line
from engine.model.pretrained import quiet
from engine.model.weights_folder import WeightsFolder
from engine.queries.free_memory import free_memory
from explorer.priors.conversion import to_depth
from explorer.priors.kinds import DepthKind, PriorError, kind_of
from explorer.store.folders import open_folder, read_json
from explorer.store.store import readable_size
from explorer.walk.depth_source import EVERY_VIEW, PhotoDepth
from explorer.walk.photo import Photo

PREPROCESSOR = "preprocessor_config.json"
#: Shorter side in pixels for models that take pictures of any size (as NYU's, 480x640).
FREE_SIDE = 480
#: Memory that a model needs while it is loaded and run, as a multiple of its weights.
MEMORY_FACTOR = 1.5


class DepthPrior:
    """Use `load`. It is a `explorer.walk.depth_source.DepthSource`.

    Attributes:
        kind: what the model's output is.
        every_view: see `DepthSource`.
    """

    def __init__(
        self, model: Any, processor: Any, folder: WeightsFolder, kind: DepthKind, name: str
    ):
        self._model, self._processor = model, processor
        self._config = folder.config
        self.kind = kind
        self.every_view = False
        self._identity = {
            "model": name,
            "class": folder.class_name,
            "kind": kind.value,
            "unit": "metres" if kind.metric else "median of the photo",
            "weights": folder.hash(),
        }

    @staticmethod
    def load(
        path: Path, device: str = "cpu", kind: DepthKind | None = None, name: str | None = None
    ) -> DepthPrior:
        """Loads a folder as `save_pretrained` leaves it.

        Args:
            path: config.json, preprocessor_config.json and safetensors.
            kind: what its output is; None to know it by the model.
            name: for the record; None for the folder's.

        Raises:
            StoreError: one sentence: a file is missing or damaged, the weights are pickles, it is
                no depth model, its kind is unknown, it does not fit into memory, or
                `transformers` is not installed.
        """
        folder = open_folder(path)
        read_json(path / PREPROCESSOR)
        known = kind or kind_of(folder.config)
        _check_class(folder)
        if known is None:
            raise PriorError(
                f"whether a {folder.class_name} gives depth or its inverse, with or without a "
                "unit, is not known here; say so with --depth-kind "
                f"({', '.join(k.value for k in DepthKind)})"
            )
        _check_memory(folder, device)
        with quiet("transformers"):
            processor = _load_processor(path)
            model = _load_model(folder).to(device).eval()
        whole = path.resolve()
        prior = DepthPrior(model, processor, folder, known, name or whole.name)
        if name is None:
            # Only by this is it found again: the store does not know it.
            prior._identity["folder"] = str(whole)
        return prior

    @property
    def identity(self) -> dict[str, Any]:
        """Name, class, kind, unit and hash of the weights, the folder of one that is in no store,
        and whether every view asks it."""
        views = {"views": EVERY_VIEW} if self.every_view else {}
        return {**self._identity, **views}

    def depth(self, photo: Photo) -> PhotoDepth:
        """Depth at the photo's working size.

        Raises:
            PriorError: it was closed, or finds no depth in the photo.
        """
        if self._model is None:
            raise PriorError("the depth prior was closed; load it again")
        output = self._run(np.array(photo.rgb))
        fitted = self._fitted(output, photo.height, photo.width)
        farthest = self._config.get("max_depth")
        has_end = self._config.get("model_type") in ("depth_anything", "glpn")
        depth = to_depth(
            fitted,
            self.kind,
            photo.intrinsics.fx,
            float(farthest) if has_end and farthest is not None else None,
        )
        return PhotoDepth(depth, self.kind.metric)

    def close(self) -> None:
        """Lets go of the model's memory."""
        self._model = None

    @torch.no_grad()
    def _run(self, rgb: NDArray[np.uint8]) -> Tensor:
        """The model's output, (h, w) of its own size."""
        picture = Image.fromarray(rgb)
        if not self._resizes():
            picture = picture.resize(self._free_size(picture))
        with quiet("transformers"):
            prepared = self._processor(images=picture, return_tensors="pt")
        device = next(self._model.parameters()).device
        answer = self._model(pixel_values=prepared["pixel_values"].to(device, torch.float32))
        predicted: Tensor = answer.predicted_depth.float().cpu()
        return rearrange(predicted, "1 h w -> h w")

    def _resizes(self) -> bool:
        """The processor brings pictures to a size of its own."""
        return bool(getattr(self._processor, "do_resize", False)) and bool(
            getattr(self._processor, "size", None)
        )

    def _free_size(self, picture: Image.Image) -> tuple[int, int]:
        """(width, height) that needs no padding, with a shorter side of about `FREE_SIDE`."""
        step = int(getattr(self._processor, "size_divisor", None) or 32)
        scale = FREE_SIDE / min(picture.size)
        width, height = (max(1, round(side * scale / step)) * step for side in picture.size)
        return width, height

    def _fitted(self, output: Tensor, height: int, width: int) -> NDArray[np.float32]:
        """At the photo's size, without the rim that ZoeDepth's processor puts around it."""
        rim_y = rim_x = 0
        if self._config.get("model_type") == "zoedepth" and getattr(self._processor, "do_pad", 0):
            rim_y, rim_x = (int((side / 2) ** 0.5 * 3) for side in (height, width))
        size = (height + 2 * rim_y, width + 2 * rim_x)
        whole = F.interpolate(output[None, None], size, mode="bilinear", antialias=True)[0, 0]
        return np.asarray(whole[rim_y : rim_y + height, rim_x : rim_x + width].numpy())


def _check_class(folder: WeightsFolder) -> None:
    if importlib.util.find_spec("transformers") is None:
        raise PriorError(
            'a depth prior needs transformers; install it with: pip install "photowalk[models]"'
        )
    from transformers.models.auto.modeling_auto import MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES

    classes = dict(MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES)
    expected = classes.get(str(folder.config.get("model_type")))
    if expected is None or folder.class_name not in ("", expected):
        found = folder.class_name or folder.config.get("model_type") or "model of no known type"
        raise PriorError(
            f"{folder.path} holds a {found}, which is no depth model of transformers "
            f"({', '.join(sorted(classes.values()))})"
        )


def _check_memory(folder: WeightsFolder, device: str) -> None:
    free = free_memory(device)
    needed = int(folder.bytes * MEMORY_FACTOR)
    if needed > free:
        raise PriorError(
            f"{folder.path} needs about {readable_size(needed)} of memory, and only "
            f"{readable_size(free)} are free; choose a smaller depth prior"
        )


def _load_processor(path: Path) -> Any:
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise PriorError(
            f"the pictures of {path} are prepared by torchvision; install it with: pip install "
            "torchvision"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PriorError(f"{path / PREPROCESSOR} cannot be used: {first_line(error)}") from error


def _load_model(folder: WeightsFolder) -> Any:
    from transformers import AutoModelForDepthEstimation

    try:
        model, report = AutoModelForDepthEstimation.from_pretrained(
            folder.path,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, ImportError) as error:
        raise PriorError(f"{folder.path} cannot be loaded: {first_line(error)}") from error
    missing = sorted(report["missing_keys"])
    if missing:
        # transformers would go on with random numbers in their place.
        raise PriorError(
            f"{folder.path} lacks {len(missing)} of its model's weights, such as {missing[0]}"
        )
    return model
