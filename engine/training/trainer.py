"""Trains the transformer: lessons from replay buffers, EMA weights, resume, reports."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engine.model.backbones.backbone import Backbone
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.control.adapters_file import read_adapters
from engine.model.control.lora import merged
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.storage import read_model, save_model
from engine.model.transformer import Transformer
from engine.training.adapted import Adapted, adapted, adapted_backbone
from engine.training.adversary import Adversary, AdversaryConfig
from engine.training.average import Average, filled, outline
from engine.training.buffer import SourceShares
from engine.training.checkpointing import set_checkpointing
from engine.training.compiling import compile_layers, compiled_if
from engine.training.denormals import flushed_denormals
from engine.training.distributed import (
    Place,
    agreed,
    load_whole_momenta,
    load_whole_state,
    shard,
    whole_momenta,
    whole_state,
)
from engine.training.mixture import Lesson, lesson_loss
from engine.training.optimisers import build_optimisers, set_learning_rate
from engine.training.reports import Report, Running
from engine.training.schedule import Schedule, ScheduleConfig, Spent
from engine.training.sight import LearningEncoders, encoder_rate
from engine.training.syllabus import Draws, LessonKind, Syllabus, SyllabusConfig

MODEL, ADAPTERS, STATE = "model.safetensors", "adapters.safetensors", "state.safetensors"


@dataclass(frozen=True)
class TrainerConfig(SyllabusConfig, ScheduleConfig):
    """What a run learns, how, and for how long.

    Attributes:
        photo_batch, walk_batch, joint_batch: entries a step.
        joint_views: views of a joint lesson.
        joint: how joint entries are made; smaller pictures, since cameras need many more samples
            than pixels.
        context_shares: how often a walk has 1, 2, 3 … context views.
        uses: queries drawn from each encoded entry, on average.
        workers: processes that make entries; 0 makes them in between the steps.
        lora: rank of adapters that are trained beside the frozen model; None trains all of it.
        checkpointing: activations are computed again instead of kept.
        compiled: layers run as compiled kernels in lessons of single views.
        robust_depth: depth is taught by errors that outliers do not rule (`mixture.robust`).
        encoder_rate: of image encoders, as a share of the rate; None: see `encoder_rate`.
        adversary: who judges what is drawn in holes.
    """

    ema_decay: float = 0.998
    save_every: int = 200
    seed: int = 0
    autocast: bool = False
    lora: int | None = None
    checkpointing: bool = False
    compiled: bool = False
    robust_depth: bool = False
    encoder_rate: float | None = None
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)


class Trainer:
    """Owns the network, its average and the lessons; `run` yields reports and saves as it goes.

    With `config.lora` the model's transformer is frozen in place.

    Attributes:
        network: what is trained.
        parameters: how many numbers it has, frozen ones included.
    """

    def __init__(
        self,
        model: Model,
        sequences: SourceShares,
        config: TrainerConfig,
        place: Place | None = None,
    ) -> None:
        self.place = place or Place(0, 1, torch.device("cpu"))
        if config.adversary.strength and self.place.sharded:
            raise ValueError("an adversary learns in one process; leave --adversary out")
        self.config, self.device, self.tokenizer = config, self.place.device, model.tokenizer
        self.model = model
        for part in (model.codec, *model.encoders.values(), *model.decoders.values()):
            part.to(self.device).eval().requires_grad_(False)
        self.codec = model.codec
        how = (config.lora is None, not self.place.sharded)
        self.sight = LearningEncoders(model, encoder_rate(model, config.encoder_rate, *how))
        self.adapted: Adapted | None = None
        self.network: Backbone = model.transformer.to(self.device).train()
        if config.lora is not None:
            self._adapt(config.lora, model.source)
        self.parameters = sum(p.numel() for p in self.network.parameters())
        self._outline = outline(self.network)
        set_checkpointing(self.network, config.checkpointing)
        if config.compiled:
            compile_layers(self.network, self.device)
        shard(self.network, self.place)
        self.average = Average(self.network)
        self.generator = torch.Generator().manual_seed(config.seed + 7919 * self.place.rank)
        self.structure = torch.Generator().manual_seed(config.seed)
        draws = Draws(self.generator, self.structure, config.seed + 7919 * self.place.rank)
        self.syllabus = Syllabus(config, sequences, model.maker, self.tokenizer, draws, self.device)
        # Muon needs whole matrices, and adapters are no whole ones either.
        muon = not self.place.sharded and config.lora is None
        self.optimisers = build_optimisers(self.network, config.learning_rate, muon=muon)
        self.channel_weights = channel_weights(self.codec).to(self.device)
        self.adversary: Adversary | None = None
        if config.adversary.strength:
            gains = self.codec.channel_gains()
            self.adversary = Adversary(gains, config.adversary, self.device)
        self.step = 0
        self.schedule = Schedule(config)

    def _adapt(self, rank: int, source: Path | None) -> None:
        """Freezes the network and puts adapters of a rank beside its weights."""
        if isinstance(self.network, Transformer):
            self.adapted = replace(adapted(self.network, rank, self.config.seed), base=source)
            self.network = self.adapted.network.train()
        else:
            self.network = adapted_backbone(self.network, rank, self.config.seed).train()

    def _train_step(self, running: Running) -> None:
        asked = self.syllabus.next()
        lesson = asked.lesson
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.autocast)
        photo = asked.name == LessonKind.PHOTO.value
        with half, compiled_if(photo) if self.config.compiled else nullcontext():
            predictions = self.network(lesson.groups)
        robust = self.config.robust_depth
        loss = lesson_loss(predictions, lesson, self.channel_weights, robust)
        total = loss.total
        if self.adversary and (price := self.adversary.price(lesson, predictions, total)):
            total = total + price[0]
            for name, value in price[1].items():
                running.note(f"{asked.name}/{name}", value)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        decay = min(self.config.ema_decay, (self.step + 1) / (self.step + 30))
        self.average.follow(self.network, decay)
        self.sight.learn(decay)
        running.add(loss.by_kind, asked.samples, lesson_tokens(lesson), asked.name)

    def run(self, out: Path) -> Iterator[Report]:
        """Trains to the schedule's end; `out` gets weights, state and `log.jsonl`."""
        out.mkdir(parents=True, exist_ok=True)
        try:
            yield from self._steps(out)
        finally:
            self.syllabus.close()

    def _steps(self, out: Path) -> Iterator[Report]:
        schedule, running = self.schedule, Running()
        schedule.begin()
        while (gone := agreed(schedule.gone(), self.place)) < 1.0:
            rate = schedule.rate(gone)
            set_learning_rate(self.optimisers, rate)
            self.sight.set_rate(rate)
            with flushed_denormals():
                self._train_step(running)
            self.step += 1
            schedule.step()
            if schedule.spent.steps % self.config.save_every == 0:
                yield self._report(out, running, rate)
                running = Running()
        if running.samples:
            yield self._report(out, running, 0.0)

    def _report(self, out: Path, running: Running, rate: float) -> Report:
        spent = time.monotonic() - running.started
        report = Report(
            step=self.step,
            minutes=self.schedule.spent.seconds / 60,
            learning_rate=rate,
            losses=running.means(),
            samples_per_second=running.samples / spent,
            tflops=6e-12 * self.parameters * running.tokens / spent,
        )
        self.save(out)
        if self.place.writes:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(asdict(report)) + "\n")
        return report

    def averaged_model(self) -> Model:
        """The model to draw with. Every process must call it; the writer's is whole."""
        whole = self._whole(self._averaged_state())
        return self._with(whole.to(self.device) if self.place.writes else whole)

    def _with(self, whole: Backbone) -> Model:
        encoders = self.sight.averaged(self.model.encoders)
        return replace(self.model, transformer=whole, encoders=encoders)

    def _averaged_state(self) -> dict[str, torch.Tensor]:
        with self.average.shown_in(self.network):
            return {k: v.detach().clone() for k, v in whole_state(self.network).items()}

    def _whole(self, state: dict[str, torch.Tensor]) -> Backbone:
        """Adapters of our own network are merged; without weights where nothing is written."""
        if not self.place.writes:
            return copy.deepcopy(self._outline)
        whole = filled(self._outline, state)
        return whole if self.adapted is None else merged(whole)

    def _trained(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: state[name] for name in self.average.values}

    def save(self, out: Path) -> None:
        """`model.safetensors`, the average to draw with, and `state.safetensors`, to resume.

        Of adapters the state has only what is trained, and `adapters.safetensors` their average.
        """
        averaged, state = self._averaged_state(), whole_state(self.network)
        momenta = whole_momenta(self.network, self.optimisers)
        if not self.place.writes:
            return
        save_model(self._with(self._whole(averaged)), out / MODEL, eight_bit=False)
        if self.adapted is not None:
            self.adapted.save(out / ADAPTERS, self._trained(averaged))
        named = {f"network.{k}": v.contiguous() for k, v in self._trained(state).items()}
        named |= {f"optimiser.{k}": v.contiguous() for k, v in momenta.items()}
        named |= {name: value.contiguous() for name, value in self.sight.state().items()}
        spent = self.schedule.spent
        named["step"] = torch.tensor(self.step)
        named["spent"] = torch.tensor([spent.seconds, spent.steps], dtype=torch.float64)
        temporary = out / f"{STATE}.part"
        save_file(named, str(temporary))
        os.replace(temporary, out / STATE)
        if self.adversary:
            self.adversary.save(out)

    def resume(self, out: Path) -> bool:
        """Weights, average, momenta, step and schedule of an earlier run.

        Returns:
            False where the run kept no momenta that these optimisers know (earlier versions kept
            none, and one process has others than several): they warm up again.

        Raises:
            CheckpointError: there is none, or its adapters belong to other weights or ranks.
        """
        if not (out / STATE).is_file():
            raise CheckpointError(f"{out} holds no run to go on with ({STATE} is missing)")
        state = load_file(str(out / STATE))
        step, spent = int(state.pop("step")), state.pop("spent", torch.zeros(2))
        averaged = read_model(out / MODEL, self.codec) if self.adapted is None else self.model
        load_whole_state(self.network, self._averages_on_disk(out, averaged))
        self.average.restart(self.network)
        load_whole_state(self.network, _part(state, "network."))
        self.sight.resume(averaged.encoders, state)
        momenta = _part(state, "optimiser.")
        kept = load_whole_momenta(self.network, self.optimisers, momenta)
        self.schedule.go_on(Spent(float(spent[0]), int(spent[1])), kept)
        if self.adversary:
            self.adversary.resume(out)
        self.step = step
        self.generator.manual_seed(self.config.seed + self.step + 7919 * self.place.rank)
        self.structure.manual_seed(self.config.seed + self.step)
        return kept

    def _averages_on_disk(self, out: Path, whole: Model) -> dict[str, torch.Tensor]:
        if self.adapted is None:
            return whole.transformer.state_dict()
        stored = read_adapters(out / ADAPTERS)
        stored.check_base(self.adapted.base_hash)
        found = self.adapted.names(stored.tensors)
        if found.keys() != self.average.values.keys():
            raise CheckpointError(f"{out / ADAPTERS} was trained otherwise; see its --lora")
        return found


def _part(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def lesson_tokens(lesson: Lesson) -> int:
    """Tokens of one sample of a lesson."""
    total = 0
    for group in lesson.groups:
        total += sum(math.prod(picture.grid) for picture in group.pictures)
        total += 0 if group.prompt is None else group.prompt.shape[1]
    return total


def channel_weights(codec: PictureCodec) -> torch.Tensor:
    """(C,) how much each latent channel moves the picture, as the codec says; mean 1.

    Our own codec's whitened latents weigh a faint texture as much as a picture's mean; this evens
    that out half way (amplitude, not energy), which depth needs most.
    """
    gain = codec.channel_gains()
    weights: torch.Tensor = gain / gain.mean()
    return weights
