"""What the five documents report of themselves. Other data, other sizes: for orientation only."""

from __future__ import annotations

from math import nan

from explorer.evaluation.systems.tables import SystemRow


def _row(name: str, *values: float) -> SystemRow:
    return SystemRow(name, values, published=True)


#: Seed 001, table 3 and 4 on Sintel: AbsRel, δ < 1.25, ATE, RPE of translation, of rotation (°).
ONE4D = (
    _row("One4D, Sintel", 0.273, 0.704, 0.213, 0.057, 0.818),
    _row("Geo4D-ref, Sintel", 0.205, 0.735, 0.185, 0.063, 0.547),
    _row("MonST3R, Sintel", 0.335, 0.585, 0.108, 0.042, 0.732),
)

#: Seed 002, tables 2 and 3: AbsRel and δ < 1.25 (NYU-v2, BONN); on ScanNet++ it gives δ < 1.03.
WVD_DEPTH = (
    _row("WVD, NYU-v2, one picture", 0.097, 0.908),
    _row("WVD, BONN, one picture", 0.070, 0.964),
    _row("WVD, ScanNet++, video", 0.050, nan),
)

#: Seed 002, table 1: share of the truth's keypoint matches, %.
WVD_KEYPOINTS = (_row("WVD", 95.8), _row("WVD without XYZ", 72.3))

#: Seed 003, tables 1 to 3, 5 and 6: PSNR out, PSNR back, R_err, T_err, seconds a view.
GEOMETRY_AS_CONTEXT = (
    _row("GaC, RealEstate10K", 19.01, 16.34, 0.024, 0.270, 2.2),
    _row("GaC without geometry", 16.34, nan, 0.029, 0.351, nan),
    _row("GaC, warped image", 18.33, nan, 0.024, 0.299, nan),
    _row("GaC without camera gate", 18.57, nan, 0.032, 0.469, nan),
    _row("GaC without geometry dropout", 19.23, nan, 0.025, 0.248, 4.6),
)
