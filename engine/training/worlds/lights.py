"""Random light: days, dusks, and rooms with windows and lamps."""

from __future__ import annotations

import math

import numpy as np

from engine.training.worlds.blueprint import Colour, Look
from engine.training.worlds.lighting import Lamp, Lighting


def _colour(values: object) -> Colour:
    r, g, b = (float(v) for v in np.asarray(values, dtype=np.float64))
    return (r, g, b)


def _sun_direction(look: Look, low: float, high: float) -> Colour:
    azimuth, height = look.between(0, 2 * math.pi), math.radians(look.between(low, high))
    c = math.cos(height)
    return (c * math.cos(azimuth), c * math.sin(azimuth), math.sin(height))


def daylight(look: Look, haze: tuple[float, float] = (60.0, 600.0)) -> Lighting:
    """Outdoor light: clear, cloudy, overcast or dusk."""
    kind = str(look.rng.choice(["clear", "cloudy", "overcast", "dusk"], p=[0.35, 0.3, 0.23, 0.12]))
    cloud = look.bank.pick(look.rng, look.split, "clouds")
    blue = np.array([0.35, 0.52, 0.9]) * look.between(0.75, 1.2)
    pale = np.array([0.78, 0.86, 0.95]) * look.between(0.9, 1.15)
    sun = np.array([1.0, look.between(0.85, 0.97), look.between(0.65, 0.92)])
    strength = {"clear": 1.5, "cloudy": 1.0, "overcast": 0.0, "dusk": 0.15}[kind]
    sun = sun * strength * look.between(0.8, 1.2)
    ambient = blue * 0.35 + 0.35
    height = (15.0, 70.0)
    if kind == "overcast":
        blue = pale = np.full(3, look.between(0.8, 1.05)) * np.array([0.97, 0.99, 1.03])
        ambient = pale * 0.9
    if kind == "dusk":
        warm = np.array([1.0, look.between(0.5, 0.75), look.between(0.3, 0.6)])
        blue, pale = np.array([0.22, 0.3, 0.5]), warm * 0.8
        ambient, height = np.array([0.4, 0.42, 0.5]), (3.0, 12.0)
        sun = warm * 0.5
    bounce = ambient * np.array([0.55, 0.5, 0.44])
    reach = look.between(*haze) if look.chance(0.6) else haze[1] * 2
    light = 1.0 if kind != "dusk" else 0.6
    cover = _colour(np.full(3, light * look.between(0.75, 1.05)) + (pale - pale.mean()) * 0.3)
    return Lighting(
        to_sun=_sun_direction(look, *height),
        sun=_colour(sun),
        sky_light=_colour(ambient),
        ground_light=_colour(bounce),
        haze=_colour(pale * 0.92),
        haze_distance=reach,
        zenith=_colour(blue),
        horizon=_colour(pale),
        cloud=cloud if kind != "clear" or look.chance(0.5) else -1,
        cloud_light=cover,
    )


def indoor_light(
    look: Look, ceiling: float, lamps: list[tuple[float, float, float]], windows: bool
) -> Lighting:
    """Light of a room: the sky through windows, lamps at the given places, bounced light."""
    lamp_share = look.between(0.3, 1.0) if windows else 1.0
    warm = np.array([1.0, look.between(0.75, 1.0), look.between(0.5, 1.0)])
    power = warm * look.between(0.8, 2.2) * lamp_share / max(1.0, len(lamps) ** 0.7)
    sun = np.array([1.0, 0.9, 0.75]) * look.between(1.5, 4.0)
    if not windows or look.chance(0.45):
        sun = sun * 0
    day = np.array([0.9, 0.97, 1.05]) * look.between(0.15, 0.5) * float(windows)
    fill = warm * look.between(0.12, 0.35) * lamp_share + day
    outside = look.between(1.2, 3.0) if windows else 0.2
    pale = np.array([0.95, 0.98, 1.0]) * outside
    return Lighting(
        to_sun=_sun_direction(look, 18.0, 50.0),
        sun=_colour(sun),
        sky_light=_colour(fill),
        ground_light=_colour(fill * np.array([0.85, 0.78, 0.68])),
        lamps=tuple(Lamp(at, _colour(power)) for at in lamps[:4]),
        zenith=_colour(pale * 0.85),
        horizon=_colour(pale),
        cloud=-1,
        indoor_height=ceiling,
    )
