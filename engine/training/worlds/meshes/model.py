"""A packed thing: triangles at its real size, with materials and small textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Label:
    """What is known of a thing without its triangles.

    Attributes:
        key: unique among catalogues.
        catalogue: name of the file that it comes from, without its ending.
        name, category: English words, lower case.
        size: width (x), depth (y), height (z) in metres.
        elevation: metres above the floor that it hangs or stands at.
        top: metres above its foot at which things may stand on it; 0 where none may.
        faces: number of triangles.
    """

    key: str
    catalogue: str
    name: str
    category: str
    size: tuple[float, float, float]
    elevation: float
    top: float
    faces: int


@dataclass(frozen=True, eq=False)
class Model:
    """A thing in the frame of `objects/furniture`: back along y = 0, front to +y, foot on z = 0.

    Attributes:
        vertices: (n, 3) metres.
        normals: (n, 3) unit vectors, smooth where the surface is.
        uv: (n, 2) positions on the texture in repeats, v downwards.
        faces: (m, 3) vertices of triangles.
        part: (m,) which material a triangle has.
        materials: (p, 8) as in `shapes.Shapes`; textures count within the model, −1 is none.
        textures: (t, texels, 3) uint8 sRGB, every picture with all its mip levels.
        cutout: (t, size, size) True where a texture lets rays through.
    """

    label: Label
    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int32]
    part: NDArray[np.int32]
    materials: Floats
    textures: NDArray[np.uint8]
    cutout: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Placed:
    """A thing where it stands in a world.

    Attributes:
        position: of its frame's origin, world metres.
        yaw: radians about up.
        scale: factor on each of its own axes.
        tint: factor on its colours.
    """

    model: Model
    position: tuple[float, float, float]
    yaw: float
    scale: tuple[float, float, float]
    tint: tuple[float, float, float]
