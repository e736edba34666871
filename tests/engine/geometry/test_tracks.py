import numpy as np

from engine.geometry.bundle.matches import MatchSight, MatchTable
from engine.geometry.tracks import tracked


def sight(a, b, rows):
    """Rows of (pixel in a, depth in a, pixel in b, depth in b); pixels lie on one line."""
    r = np.array(rows, dtype=np.float64)
    line = np.zeros((len(r), 2))
    pixels_a, pixels_b = line.copy(), line.copy()
    pixels_a[:, 0], pixels_b[:, 0] = r[:, 0], r[:, 2]
    return MatchSight(a, b, pixels_a, pixels_b, r[:, 1], r[:, 3])


def as_set(sights):
    return {
        (s.view_a, float(p), s.view_b, float(q))
        for s in sights
        for p, q in zip(s.pixels_a[:, 0], s.pixels_b[:, 0], strict=True)
    }


def test_a_chain_is_matched_with_its_first_view():
    found = tracked(
        [
            sight(0, 1, [(10, 2.0, 11, 2.1)]),
            sight(1, 2, [(11, 2.1, 12, 2.2), (50, 3.0, 52, 3.0)]),
            sight(2, 3, [(12, 2.2, 13, 2.3)]),
        ]
    )
    assert as_set(found) == {(0, 10, 1, 11), (0, 10, 2, 12), (0, 10, 3, 13), (1, 50, 2, 52)}
    assert MatchTable.of(found).points == 2


def test_both_directions_of_a_match_are_one():
    there = sight(0, 1, [(10, 2.0, 11, 2.1)])
    back = sight(1, 0, [(11, 2.1, 10, 2.0)])
    assert as_set(tracked([there, back])) == {(0, 10, 1, 11)}


def test_a_chain_begins_where_its_depth_is_known():
    nan = float("nan")
    first = sight(1, 0, [(11, 2.1, 10, nan)])
    second = sight(1, 2, [(11, 2.1, 12, 2.2)])
    found = tracked([first, second])
    assert as_set(found) == {(1, 11, 0, 10), (1, 11, 2, 12)}
    assert np.isnan(found[0].depth_b).all()


def test_a_chain_that_meets_a_view_twice_stays_as_its_matches():
    found = tracked(
        [
            sight(0, 1, [(10, 2.0, 11, 2.1)]),
            sight(1, 2, [(11, 2.1, 12, 2.2)]),
            sight(0, 2, [(70, 2.0, 12, 2.2)]),
        ]
    )
    assert as_set(found) == {(0, 10, 1, 11), (1, 11, 2, 12), (0, 70, 2, 12)}


def test_nothing_makes_nothing():
    assert tracked([]) == []
