"""Prompts for text encoders of others (UMT5 through transformers): ids, and what they mean.

Ids go with a group, like those of our own words; a network asks `TextEncoder` what they mean. Each
distinct prompt is encoded once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.model.kinds import Kind
from engine.model.text import Prompt

#: How many encoded prompts are kept; a walk has four, a training run a few for each scene.
_KEPT = 256


class PieceTokenizer:
    """Prompts through a tokenizer of transformers; same calls as `engine.model.text.Tokenizer`.

    Attributes:
        vocabulary: empty, for there is no list of words: pieces spell any of them.
    """

    vocabulary: tuple[str, ...] = ()

    def __init__(self, pieces: Any, length: int = 512) -> None:
        """
        Args:
            pieces: a tokenizer of transformers that ends every text as its encoder expects it.
            length: the longest prompt; what goes beyond it is cut off.
        """
        self._pieces, self._length = pieces, length

    @property
    def pad(self) -> int:
        """The id that means nothing."""
        return int(self._pieces.pad_token_id)

    def encode(self, kinds: Kind | Sequence[Kind], caption: str = "") -> Prompt:
        """The prompt for one kind, or for several that are drawn together; empty without any.

        Without a caption prompts of the same kinds have one length; with one they are padded to
        the longest.
        """
        asked = (kinds,) if isinstance(kinds, Kind) else tuple(kinds)
        words = caption.split()
        ids = self._ids(" ".join([*(kind.prompt for kind in asked), *words]))
        unknown = self._unknown(words) if words else ()
        if words:
            ids += [self.pad] * (self._length - len(ids))
        return Prompt(tuple(ids), unknown, known=len(set(words)) - len(unknown))

    def _ids(self, text: str) -> list[int]:
        return list(self._pieces(text, truncation=True, max_length=self._length)["input_ids"])

    def _unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        missing = self._pieces.unk_token_id
        return tuple(dict.fromkeys(word for word in words if missing in self._ids(word)))


class TextEncoder:
    """What prompts mean to a network, from a frozen encoder that is loaded when it is needed.

    It is no module: the encoder of Wan2.1 has four times the parameters of its smaller transformer,
    and must neither be trained, nor averaged, nor copied with it.

    Attributes:
        device: where the encoder computes; it goes there at the next new prompt.
        leaves: it goes back to the computer's memory after each new prompt, or altogether where it
            is there already.
        weights: bytes of it, by its files.
    """

    def __init__(
        self,
        load: Callable[[], nn.Module],
        pad: int,
        empty: Sequence[int],
        weights: int = 0,
    ) -> None:
        """
        Args:
            load: makes an encoder of transformers, (B, T) ids to `last_hidden_state` (B, T, D).
            pad: the id that fills prompts up.
            empty: ids of the prompt that says nothing.
            weights: how many bytes of memory the encoder takes.
        """
        self._load, self._pad, self._empty = load, pad, tuple(empty)
        self._encoder: nn.Module | None = None
        self._known: OrderedDict[tuple[int, ...], Tensor] = OrderedDict()
        self.device = torch.device("cpu")
        self.leaves, self.weights = False, weights

    def __deepcopy__(self, memo: dict[int, Any]) -> TextEncoder:
        """Itself: nothing in it ever changes but what it remembers."""
        return self

    def rows(self, prompt: Tensor | None) -> list[Tensor]:
        """(n, D) for each row of ids (B, T), without padding; one for no prompt at all.

        The same prompt is the same tensor while it is remembered.
        """
        ids = [self._empty] if prompt is None else [self._trimmed(r) for r in prompt.tolist()]
        return [self._meaning(row) for row in ids]

    def release(self) -> None:
        """Gives the encoder's memory back; known prompts stay known."""
        self._encoder = None

    def _trimmed(self, ids: Sequence[int]) -> tuple[int, ...]:
        end = len(ids)
        while end > 1 and ids[end - 1] == self._pad:
            end -= 1
        return tuple(ids[:end])

    def _meaning(self, ids: tuple[int, ...]) -> Tensor:
        if ids not in self._known:
            self._known[ids] = self._encode(ids)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(ids)
        return self._known[ids]

    @torch.no_grad()
    def _encode(self, ids: tuple[int, ...]) -> Tensor:
        if self._encoder is None:
            self._encoder = self._load().eval().requires_grad_(False)
        encoder = self._encoder.to(self.device)
        row = torch.tensor([ids], device=self.device)
        # The encoder's own precision, whatever the network around is multiplied in.
        with torch.autocast(self.device.type, enabled=False):
            answer = encoder(input_ids=row, attention_mask=torch.ones_like(row))
        found: Tensor = answer.last_hidden_state[0].float().cpu()
        if self.leaves and self.device.type == "cpu":
            self.release()
        elif self.leaves:
            encoder.to("cpu")
        return found
