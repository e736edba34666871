"""Which things of a catalogue may stand for a chair, a table, a car …: by name, category and size.

Catalogues name things freely; what a name leaves open is settled by their size in metres.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.training.worlds.meshes.model import Label

_INF = float("inf")
_OPENINGS = "doors and windows"
#: Lie flat on a wall, a road or a roof, or are no things of their own.
_ODD = re.compile(
    r"plug|switch|socket|parking slot|arrow|rails|crossing|chimney|curtain|window|shutter|"
    r"swimming pool|elevator|escalator|railing|porch column|container|sidewalk|staircase|bill "
)


@dataclass(frozen=True)
class Kind:
    """What a label must be to be of a kind.

    Attributes:
        words: pattern that its name must contain; without: that it must not.
        categories: that it may be of; empty for all.
        longest: least and greatest longer side of the footprint, metres.
        tall: least and greatest height, metres.
        hung: whether it hangs (has an elevation) rather than stands.
    """

    words: str = ""
    without: str = r"\A\b\B"
    categories: tuple[str, ...] = ()
    longest: tuple[float, float] = (0.0, _INF)
    tall: tuple[float, float] = (0.0, _INF)
    hung: bool = False

    def holds(self, label: Label) -> bool:
        side = max(label.size[:2])
        return (
            label.category != _OPENINGS
            and (label.category in self.categories or not self.categories)
            and self.longest[0] <= side <= self.longest[1]
            and self.tall[0] <= label.size[2] <= self.tall[1]
            and self.hung == (label.elevation > 0.05)
            and _ODD.search(label.name) is None
            and re.search(self.words, label.name) is not None
            and re.search(self.without, label.name) is None
        )


_HOME = ("living room", "office", "bedroom", "kitchen")
_TABLE = r"bed|fan|tennis|changing|dressing|football|pool|tablet|children|technical|cloth|rattan"
_PEOPLE = r"^(fe)?male|^boy|^girl|^holding"

KINDS: dict[str, Kind] = {
    "sofa": Kind(r"sofa|couch|futon couch|day bed", r"opened", _HOME, tall=(0.6, 1.2)),
    "armchair": Kind(r"armchair", r"ottoman", _HOME, (0.5, 1.2)),
    "chair": Kind(
        r"chair|stool|seat",
        r"arm|wheel|deck|beach|relax|high|child",
        _HOME,
        (0.25, 0.8),
        (0.4, 1.3),
    ),
    "garden seat": Kind(
        r"chair|bench|bank|lounge|rattan sofa|hammock", r"ing", ("exterior",), (0.3, 2.9)
    ),
    "table": Kind(r"table", _TABLE, ("living room", "office"), (0.6, 2.6), (0.66, 0.82)),
    "low table": Kind(r"table", _TABLE, ("living room",), (0.5, 1.7), (0.3, 0.6)),
    "desk": Kind(
        r"desk|table on trestles|wooden.* table",
        r"lamp",
        ("office", "living room"),
        (0.9, 2.5),
        (0.66, 1.9),
    ),
    "shelf": Kind(r"bookcase|shelves|contemporary living", categories=_HOME, tall=(0.6, 2.4)),
    "cabinet": Kind(
        r"cabinet|cupboard|dresser|wardrobe|\bchest|vanity|bedside|tv stand|safe|fireplace|piano|"
        r"dressing table|changing table|^box$|aquarium|speaker|filing",
        r"upper|corner|grand|lower|sink|board|freezer",
        ("living room", "office", "bedroom", "miscellaneous"),
        (0.3, 2.6),
        (0.35, 2.45),
    ),
    "bed": Kind(
        r"bed$|crib|futon$|convertible sofa|mattress|day bed",
        r"day|air|chair",
        ("bedroom",),
        (1.0, 2.6),
    ),
    "fridge": Kind(r"fridge|refrigerator|cooler|high cabinet|double oven", tall=(1.0, 2.3)),
    "appliance": Kind(
        r"lower cabinet|sink cabinet|drawers cabinet|island|stove|washing machine|dryer|oven|"
        r"freezer|^sink|cooker",
        r"induction|propane|corner|small oven|extension",
        ("kitchen",),
        (0.4, 1.1),
        (0.5, 1.3),
    ),
    "kitchen unit": Kind(
        r"lower cabinet|sink cabinet|drawers cabinet|stove|washing machine|dryer|^sink",
        r"propane|corner|clothes",
        ("kitchen",),
        (0.4, 1.1),
        (0.7, 1.3),
    ),
    "bath": Kind(
        r"bath$|bathtub|washbasin|vanity|toilets unit|bidet|shower stall|clothes basket|basin",
        categories=("bathroom",),
        longest=(0.3, 2.3),
        tall=(0.25, 2.3),
    ),
    "floor lamp": Kind(r"lamp", categories=("lights",), longest=(0, 0.8), tall=(0.95, 2.0)),
    "lamp": Kind(r"lamp|candle|lantern", categories=("lights",), tall=(0.1, 0.95)),
    "plant": Kind(
        r"plant|cactus|orchid|ficus|bonsai|bamboo|yucca|flowers|tulips|lily|spathi|christmas|vase",
        categories=("living room", "miscellaneous"),
        tall=(0.1, 2.1),
    ),
    "plant on floor": Kind(
        r"plant|ficus|yucca|flowers|spathi|christmas|bamboo|vase",
        categories=("living room", "miscellaneous"),
        tall=(0.5, 2.1),
    ),
    "screen": Kind(r"tv|imac|^screen", r"stand|remote|wall", longest=(0.3, 1.1), tall=(0.3, 0.8)),
    "laptop": Kind(r"laptop|ibook", tall=(0.05, 0.5)),
    "cup": Kind(
        r"cup$|mug|glass$|beer glass|teapot|cup cake", categories=("kitchen",), tall=(0.03, 0.3)
    ),
    "box": Kind(
        r"box|crate|barrel|trunck|suitcase|case|basket|bag|backpack|wood logs|chest$",
        r"medicine|letter|mail|flower|plant|pen|bread|ball|sand|letters",
        longest=(0.25, 1.1),
        tall=(0.1, 0.95),
    ),
    "small": Kind(categories=(), longest=(0.04, 0.5), tall=(0.02, 0.55)),
    "standing person": Kind(_PEOPLE, r"sitting|lying", ("characters",), tall=(1.4, 2.0)),
    "lying person": Kind(r"lying", categories=("characters",)),
    "mannequin": Kind(r"mannequin", categories=("characters",)),
    "animal": Kind(r"cat$|dog|rabbit|chicken|horse|bull", categories=("characters",)),
    "car": Kind(r"", r"truck|bus|moto|bike|bicycle|scooter|lift|van", ("vehicles",), (2.4, 5.2)),
    "van": Kind(r"van|truck|bus", categories=("vehicles",), longest=(5.0, 7.0)),
    "bicycle": Kind(r"^bike|bicycle|tricycle", categories=("vehicles",)),
    "motorcycle": Kind(
        r"yamaha|scooter|motorbike",
        categories=("vehicles", "exterior"),
        longest=(0.8, 2.3),
        tall=(0.7, 1.4),
    ),
    "tree": Kind(
        r"acacia|bamboo|ficus|pine|tree|beech|cypress|maple|poplar|blossom",
        r"christmas",
        ("exterior",),
        tall=(3.0, 13.0),
    ),
    "bush": Kind(r"bush|hedge", categories=("exterior",)),
    "outdoors": Kind(
        r"", r"pool|chair|hedge|bush|barnum|^rattan", ("exterior",), (0.2, 4.2), (0.3, 3.2)
    ),
    "on floor": Kind(
        r"",
        r"truck|pallet|barnum|tatami|mat$|carpet|rug|ruler",
        (*_HOME, "miscellaneous"),
        (0.2, 2.4),
        (0.2, 2.3),
    ),
    "on wall": Kind(
        r"",
        r"chandelier|hanging|fan|pendant|ceiling|fluorescent|track|hood|porch",
        longest=(0.0, 1.6),
        tall=(0.05, 1.3),
        hung=True,
    ),
    "under ceiling": Kind(
        r"chandelier|hanging light|fan|pendant|ceiling|^lamp",
        hung=True,
        categories=("lights", "miscellaneous"),
    ),
    "upper cabinet": Kind(
        r"upper cabinet|glass door cabinet|upper shelves|^hood|range hood",
        "corner",
        hung=True,
        categories=("kitchen",),
    ),
    "any": Kind(r"", r"truck|bus|barnum|pedestrian", longest=(0.05, 2.6), tall=(0.03, 2.4)),
}


def sorted_by_kind(labels: tuple[Label, ...]) -> dict[str, tuple[Label, ...]]:
    """Every kind with the labels that are of it, in their order."""
    return {name: tuple(x for x in labels if kind.holds(x)) for name, kind in KINDS.items()}
