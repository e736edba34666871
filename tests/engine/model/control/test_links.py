"""Links: where they sit, and what one branch hears of the other."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.model.control.links import ControlLink, Heard, Place, Wiring, linked_layers

WIRING = Wiring(
    to_geometry=(Heard(Place(0, 3), Place(2, 5)),),
    to_colour=(Heard(Place(2, 5), Place(0, 3)), Heard(Place(2, 5), Place(3, 6))),
)


def tokens(seed: int) -> torch.Tensor:
    return torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(seed))


@given(st.data())
def test_links_are_spread_over_different_layers(data: st.DataObject) -> None:
    layers = data.draw(st.integers(1, 60))
    links = data.draw(st.integers(0, layers))
    chosen = linked_layers(layers, links)
    assert len(chosen) == links
    assert sorted(set(chosen)) == list(chosen)
    assert all(0 <= layer < layers for layer in chosen)
    gaps = [b - a for a, b in pairwise(chosen)]
    if gaps:
        assert max(gaps) - min(gaps) <= 2


def test_more_links_than_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="3 links do not fit 2 layers"):
        linked_layers(2, 3)


def test_pictures_of_different_sizes_are_not_linked() -> None:
    with pytest.raises(ValueError, match="3 and 4 tokens"):
        Heard(Place(0, 3), Place(0, 4))


def test_a_new_link_changes_no_bit() -> None:
    colour, geometry = tokens(1), tokens(2)
    heard = ControlLink(4)(colour, geometry, WIRING)
    assert torch.equal(heard[0], colour)
    assert torch.equal(heard[1], geometry)


def test_each_token_hears_the_token_at_its_pixel_as_it_was_before() -> None:
    link = ControlLink(4)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in link.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    colour, geometry = tokens(1), tokens(2)
    x, y = link(colour, geometry, WIRING)
    said = (geometry[:, 0:3] + geometry[:, 3:6]) @ link.to_colour.weight.T
    torch.testing.assert_close(x[:, 2:5], colour[:, 2:5] + said)
    assert torch.equal(x[:, :2], colour[:, :2])
    torch.testing.assert_close(
        y[:, 0:3], geometry[:, 0:3] + colour[:, 2:5] @ link.to_geometry.weight.T
    )
    assert torch.equal(y[:, 3:], geometry[:, 3:])
