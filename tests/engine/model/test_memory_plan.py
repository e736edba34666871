"""Plans follow from the memory that is free: never more than there is, never worse for more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.memory_plan import (
    ALLOCATOR_PERCENT,
    MemoryNeeds,
    MemoryPlan,
    Part,
    choose_plan,
    least_need,
    plans,
)

SIZES = st.integers(0, 2**36)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    largest, layers, weights = sorted(draw(SIZES) for _ in range(3))
    return Part(weights, layers, largest)


@st.composite
def needs(draw: st.DrawFn) -> MemoryNeeds:
    tile, coding = sorted(draw(SIZES) for _ in range(2))
    transformer, codec, text = draw(parts()), draw(parts()), draw(parts())
    return MemoryNeeds(transformer, codec, draw(SIZES), coding, tile, text, draw(SIZES))


@given(needs(), SIZES, SIZES, SIZES, st.booleans())
def test_more_memory_is_never_worse(
    needs: MemoryNeeds, free: int, more: int, host: int, same: bool
) -> None:
    less, with_more = (choose_plan(needs, f, host, same) for f in (free, free + more))
    if less is not None:
        assert with_more is not None
        assert with_more.rank <= less.rank


@given(needs(), SIZES, SIZES, st.booleans())
def test_a_plan_takes_no_more_than_there_is(
    needs: MemoryNeeds, free: int, host: int, same: bool
) -> None:
    plan = choose_plan(needs, free, host, same)
    if plan is None:
        assert all(p.need > free or p.host_need > host for p in plans(needs, same))
    else:
        assert plan.need <= free
        assert plan.host_need <= host


@given(needs())
def test_every_turn_that_is_taken_saves_memory_or_changes_nothing(needs: MemoryNeeds) -> None:
    by_choice = {(p.text_leaves, p.codec_tiled, p.layers_visit): p.need for p in plans(needs)}
    for (text, tiled, visit), need in by_choice.items():
        for fewer in ((False, tiled, visit), (text, False, visit), (text, tiled, False)):
            assert need <= by_choice.get(fewer, need)
    assert least_need(needs) == min(by_choice.values())


@given(needs())
def test_weights_of_both_parts_are_never_forgotten(needs: MemoryNeeds) -> None:
    """Whatever leaves the device is in the computer's memory, and the rest is on the device."""
    weights = needs.transformer.weights + needs.codec.weights + needs.text.weights
    for plan in plans(needs):
        visitors = needs.transformer.largest if plan.layers_visit else 0
        assert plan.need * 100 // ALLOCATOR_PERCENT + plan.host_need >= weights + visitors


def test_the_cpu_holds_offloaded_weights_itself() -> None:
    needs = MemoryNeeds(Part(100, 90, 10), Part(5), 7, 4, 2, Part(60, 50, 5), 3)
    found = plans(needs, device_is_host=True)
    assert not any(plan.layers_visit or plan.host_need for plan in found)
    assert [plan.need for plan in found] == [190, 124, 124]  # 172 and 112, a tenth more


def test_needs_and_words_of_a_small_model() -> None:
    needs = MemoryNeeds(Part(1000, 900, 90), Part(50), 70, 400, 20, Part(600, 500, 25), 30)
    needed = {p.rank: (p.need, p.host_need) for p in plans(needs)}
    assert needed == {
        0: (2255, 0),  # 1000 + 50 + 600 + 400
        1: (1595, 600),  # 1000 + 50 + 400
        2: (1232, 600),  # 1000 + 50 + 70
        3: (704, 1500),  # 190 + 50 + 400
        4: (341, 1500),  # 190 + 50 + 70
    }
    assert choose_plan(needs, 1300, 599) is None
    tiled = choose_plan(needs, 1300, 600)
    assert tiled is not None
    assert tiled.words() == (
        "on the GPU, text encoder let go once the prompt is encoded, codec on tiles"
    )
    assert MemoryPlan().words("CPU") == "on the CPU, all at once"


def test_a_network_without_layers_cannot_be_brought_in_one_at_a_time() -> None:
    needs = MemoryNeeds(Part(1000), Part(50), 70, 70, 70)
    assert not any(plan.layers_visit for plan in plans(needs))


@pytest.mark.parametrize("sizes", [(1, 2, 1), (3, 1, 2), (1, 1, -1)])
def test_parts_are_parts(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be in layers"):
        Part(*sizes)
