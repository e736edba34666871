"""Decoded video frames as upright sRGB pictures with square pixels.

High dynamic range (ITU-R BT.2100: PQ and HLG, in the wide primaries of BT.2020) is brought to
sRGB: diffuse white, 203 cd/m² after ITU-R BT.2408, becomes white, and what is brighter is rolled
off above a knee instead of being clipped.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray
from PIL import Image

Linear = NDArray[np.float32]

HDR_NOTE = "its high dynamic range was brought to the range of a usual screen"
_WHITE_NITS = 203.0
_HLG_PEAK_NITS = 1000.0
_KNEE = 0.8
#: BT.2020 to BT.709 primaries in linear light (ITU-R BT.2087, inverse of its matrix M).
_NARROWER = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    dtype=np.float32,
)
_BT2020_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
#: Untagged video with at least so many rows is BT.709, with fewer BT.601, as players have it.
_HD_ROWS = 720
#: HDR pictures longer than this are made smaller before their colours are worked on.
_LONGEST_HDR = 2048


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether a frame is coded for a screen that is brighter than white paper."""
    return frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


def upright(frame: av.VideoFrame, pixel_aspect: Fraction = Fraction(1)) -> Image.Image:
    """Mode RGB, with square pixels, turned as the file says, transparent parts on white."""
    picture = _hdr_picture(frame) if is_hdr(frame) else _picture(frame)
    if pixel_aspect != 1:
        width = max(1, round(picture.width * pixel_aspect))
        picture = picture.resize((width, picture.height), Image.Resampling.BICUBIC)
    turn = round((frame.rotation or 0) / 90) * 90 % 360
    return picture.rotate(turn, expand=True) if turn else picture


def _picture(frame: av.VideoFrame) -> Image.Image:
    transparent = any(part.is_alpha for part in frame.format.components)
    mode = "rgba" if transparent else "rgb24"
    pixels = frame.reformat(format=mode, src_colorspace=_colorspace(frame)).to_ndarray()
    if not transparent:
        return Image.fromarray(pixels)
    rgba = Image.fromarray(pixels, mode="RGBA")
    flat = Image.new("RGB", rgba.size, (255, 255, 255))
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat


def _colorspace(frame: av.VideoFrame) -> int | None:
    """Only for untagged frames; None leaves it to what the frame says."""
    if frame.colorspace != 2 or frame.format.is_rgb:
        return None
    return int(Colorspace.ITU709 if frame.height >= _HD_ROWS else Colorspace.ITU601)


def _hdr_picture(frame: av.VideoFrame) -> Image.Image:
    share = min(1.0, _LONGEST_HDR / max(frame.width, frame.height))
    coded = frame.reformat(
        width=max(1, round(frame.width * share)),
        height=max(1, round(frame.height * share)),
        format="rgb48le",
        interpolation=Interpolation.AREA,
    ).to_ndarray()
    if frame.color_trc == ColorTrc.SMPTE2084:
        light = _table(pq_nits)[coded]
    else:
        light = _hlg_nits(_table(hlg_scene_light)[coded])
    light /= _WHITE_NITS
    if frame.color_primaries == ColorPrimaries.BT2020:
        light = np.maximum(light @ _NARROWER.T, 0.0)
    codes = np.round(srgb_code(rolled_off(light)) * 255.0)
    return Image.fromarray(codes.astype(np.uint8))


def _table(curve: object) -> Linear:
    codes = np.linspace(0.0, 1.0, 65536)
    return np.asarray(curve(codes), dtype=np.float32)  # type: ignore[operator]


def pq_nits(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """cd/m² of a PQ signal in [0, 1] (SMPTE ST 2084, the EOTF of BT.2100)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = code ** (1 / m2)
    nits: NDArray[np.float64] = 10_000.0 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (
        1 / m1
    )
    return nits


def hlg_scene_light(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of the scene in [0, 1] of an HLG signal (the inverse OETF of BT.2100)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(code <= 0.5, code**2 / 3.0, (np.exp((code - c) / a) + b) / 12.0)


def _hlg_nits(scene: Linear) -> Linear:
    """On a screen of 1000 cd/m², whose system gamma is 1.2."""
    luminance = scene @ _BT2020_LUMINANCE
    return np.asarray(_HLG_PEAK_NITS * scene * luminance[..., None] ** 0.2, dtype=np.float32)


def rolled_off(light: Linear) -> Linear:
    """Light in units of white, (H, W, 3), with what exceeds the knee bent to stay below 1.

    The strongest channel is bent and the others keep their share of it, so that hues stay.
    """
    peak = light.max(axis=-1, keepdims=True)
    over = np.maximum(peak - _KNEE, 0.0) / (1.0 - _KNEE)
    bent = np.minimum(peak, _KNEE) + (1.0 - _KNEE) * over / (1.0 + over)
    return np.asarray(light * (bent / np.maximum(peak, 1e-9)), dtype=np.float32)


def srgb_code(light: Linear) -> Linear:
    """IEC 61966-2-1."""
    low = 12.92 * light
    high = 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, low, high).astype(np.float32)
