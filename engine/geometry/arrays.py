"""Pictures of either library as numpy arrays, for the parts that compute in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Picture = Tensor | NDArray[np.floating] | NDArray[np.bool_]


def float64_array(picture: Picture) -> NDArray[np.float64]:
    """A tensor of any device, or an array, as float64 numpy."""
    if isinstance(picture, Tensor):
        picture = picture.detach().cpu().numpy()
    return np.asarray(picture, dtype=np.float64)
