"""The tables and curves of `evaluate worlds`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from explorer.evaluation.curves import draw_panels
from explorer.evaluation.reports import write_picture
from explorer.evaluation.scene_sheets import walk_panels
from explorer.evaluation.steps import step_panels
from explorer.evaluation.tables import (
    comparison_table,
    depth_table,
    look_table,
    number,
    picture_table,
    pose_table,
    show,
    table,
)
from explorer.evaluation.worlds_report import WorldsReport


def show_report(console: Console, report: WorldsReport) -> None:
    """Prints every table that has rows, and the verdicts."""
    worlds = len(report.scales)
    state = "" if report.complete else " (not complete)"
    title = f"{worlds} unseen worlds{state}; holes by true geometry; gradient aims for 0.7–1.3"
    show(
        console,
        picture_table(title, report.main),
        look_table("How alike pictures look, the same worlds", report.main),
        comparison_table(report.comparisons),
        pose_table(report.poses),
        depth_table(report.depths),
        picture_table("Inference switches, the same worlds for all", report.switches),
        look_table("How alike pictures look, by switch", report.switches),
        pose_table(report.switch_poses),
        depth_table(report.switch_depths),
    )
    seeds = [
        [
            s.picture,
            number(s.covered_rmse, 4),
            number(s.hole_rmse, 4),
            f"{number(s.covered_psnr)} / {number(s.hole_psnr)}",
            number(s.ratio),
            str(s.views),
        ]
        for s in report.seeds
    ]
    columns = ["two seeds", "RMSE covered", "RMSE in holes", "PSNR (covered / holes)", "ratio"]
    show(console, table("Two seeds against each other", [*columns, "views"], seeds))
    steps = [
        [
            f"{row.steps} · {row.picture}",
            number(row.psnr),
            number(row.ssim, 3),
            number(row.hole_psnr),
            number(row.hole_gradient),
            f"{number(row.distance, 3)} / {number(row.hole_distance, 3)}",
            number(row.depth_abs_rel, 3),
            number(row.seconds),
        ]
        for row in report.steps
    ]
    columns = ["steps · picture", "PSNR", "SSIM", "holes: PSNR", "gradient", "distance / in holes"]
    show(console, table("Sampling steps", [*columns, "depth AbsRel", "s / view"], steps))
    for verdict in report.verdicts:
        console.print(verdict.sentence)


def draw_curves(report: WorldsReport, folder: Path) -> None:
    """curves.png (along the walk) and steps.png (over sampling steps)."""
    if report.picture_records:
        write_picture(draw_panels(walk_panels(report.picture_records)), folder / "curves.png")
    if report.steps:
        write_picture(draw_panels(step_panels(report.steps), columns=3), folder / "steps.png")
