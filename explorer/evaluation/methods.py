"""The walk's default settings and its switches, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.walk.records import NO_MEMORY, WalkSettings

#: The default walk: memory by coverage, depth in the context, the warp as a hint.
MAIN = "walk"

MOST_STEPS = 8


@dataclass(frozen=True)
class Method:
    """A way of drawing a walk."""

    name: str
    settings: WalkSettings


def main_method(seed: int, caption: str = "") -> Method:
    """The default settings, as a user gets them."""
    settings = WalkSettings(seed=seed)
    return Method(MAIN, replace(settings, sampler=replace(settings.sampler, caption=caption)))


def switch_methods(main: Method) -> list[Method]:
    """One thing switched off at a time, and the memory also where no warp hides its part."""
    base = main.settings
    return [
        Method("memory none", replace(base, strategy=NO_MEMORY)),
        Method("memory recent", replace(base, strategy="recent")),
        Method("depth context off", replace(base, use_depth_context=False)),
        Method("hint off", replace(base, use_hint=False)),
        Method("hint off, memory recent", replace(base, use_hint=False, strategy="recent")),
        Method(
            "hint off, depth context off", replace(base, use_hint=False, use_depth_context=False)
        ),
        Method("depth every 4", replace(base, depth_every=4)),
    ]


def step_methods(main: Method) -> list[Method]:
    """1 to 8 sampling steps for colours and depth alike."""
    base = main.settings
    return [
        Method(
            f"{steps} steps",
            replace(base, sampler=replace(base.sampler, rgb_steps=steps, depth_steps=steps)),
        )
        for steps in range(1, MOST_STEPS + 1)
    ]
