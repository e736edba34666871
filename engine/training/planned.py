"""What a syllabus will ask of a network: kinds of steps as counts of tokens, and the buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from engine.training.estimate import Pass, Step
from engine.training.joint.patterns import PATTERNS, Pattern, complete_patches, without_geometry
from engine.training.syllabus import LessonKind, SyllabusConfig

#: Tokens of a prompt; captions are longer and rarer.
_PROMPT = 1
#: Draws of a pattern's own chances that its mean is taken over.
_DRAWS = 8
#: Pixels of a token's side.
_TOKEN = 16


def lesson_pass(groups: Sequence[tuple[float, Sequence[int], bool]]) -> Pass:
    """Of groups (tokens, which earlier ones each sees, asked)."""
    seen = [n + sum(groups[i][0] for i in sees) for n, sees, _ in groups]
    return Pass(
        tokens=sum(n for n, _, _ in groups),
        pairs=sum(n * s for (n, _, _), s in zip(groups, seen, strict=True)),
        gathered=sum(s for (_, sees, _), s in zip(groups, seen, strict=True) if sees),
        asked=sum(n for n, _, asked in groups if asked),
    )


def photo_pass(tokens: int) -> Pass:
    """RGB → DEPTH."""
    return lesson_pass([(tokens, (), False), (tokens + _PROMPT, (0,), True)])


def walk_pass(
    tokens: int,
    contexts: int,
    targets: int,
    depth: bool,
    warp: bool = False,
    views_only: bool = False,
) -> Pass:
    """Context → RGB, then DEPTH, of each target; see `mixture`."""
    groups: list[tuple[float, Sequence[int], bool]] = []
    groups.append((tokens * contexts * (2 if depth else 1), (), False))
    for _ in range(targets):
        sees: tuple[int, ...] = (0,)
        if warp:
            groups.append((tokens + _PROMPT, sees, True))
            sees = (*sees, len(groups))
            groups.append((tokens, (0,), False))
        groups.append((tokens + _PROMPT, sees, True))
        if views_only:
            continue
        groups.append((tokens, sees, False))
        groups.append((tokens + _PROMPT, (*sees, len(groups) - 1), True))
    return lesson_pass(groups)


def bare_walk_pass(tokens: int, contexts: int, targets: int) -> Pass:
    """Context RGB → RGB of each target."""
    asked = [(tokens + _PROMPT, (0,), True)] * targets
    return lesson_pass([(tokens * contexts, (), False), *asked])


def pattern_pass(tokens: int, pattern: Pattern) -> Pass:
    """Observed pictures, then one asked group."""
    observed, asked = len(pattern.observed), len(pattern.asked) + len(pattern.partial)
    kinds = len({kind for kind, _ in (*pattern.asked, *pattern.partial)})
    last = (tokens * asked + _PROMPT * kinds, (0,) if observed else (), True)
    return lesson_pass([(tokens * observed, (), False), last] if observed else [last])


def joint_passes(tokens: int, views: int, geometry: bool) -> list[tuple[float, Pass]]:
    """Every pattern with its share."""
    generator = torch.Generator().manual_seed(0)
    found: list[tuple[float, Pass]] = []
    for make, share in PATTERNS:
        for _ in range(_DRAWS):
            pattern: Pattern | None = make(views, generator)
            if not geometry and pattern is not None:
                pattern = without_geometry(pattern)
            if pattern is not None:
                found.append((share, pattern_pass(tokens, pattern)))
    return found


def planned_steps(config: SyllabusConfig, shares: Mapping[LessonKind, float]) -> list[Step]:
    """Each kind of lesson, walks apart by how much context they have; shares sum to 1."""
    tokens = _tokens(config.entries.size)
    joint_tokens = _tokens(config.joint.size)
    photos = config.photo_steps
    targets = config.entries.targets
    contexts = sum(config.context_shares)
    steps: list[Step] = []
    for kind, share in shares.items():
        if kind is LessonKind.PHOTO:
            steps += [
                Step("photo", share / len(photos), batch, photo_pass(_tokens(way.size)))
                for way, batch in photos
            ]
        elif kind is LessonKind.BARE_PHOTO:
            whole = complete_patches(1, torch.Generator().manual_seed(0))
            sample = pattern_pass(_tokens(photos[0][0].size), whole)
            steps.append(Step(kind.value, share, config.photo_batch, sample))
        elif kind in (LessonKind.JOINT, LessonKind.BARE_JOINT):
            bare = kind is LessonKind.BARE_JOINT
            passes = joint_passes(joint_tokens, config.joint_views, not bare)
            total = sum(weight for weight, _ in passes)
            steps += [
                Step(kind.value, share * weight / total, config.joint_batch, sample)
                for weight, sample in passes
            ]
        else:
            for n, part in enumerate(config.context_shares, start=1):
                own = share * part / contexts
                steps += _walks(kind, own, config, tokens, n, targets)
    return steps


def _walks(
    kind: LessonKind, share: float, config: SyllabusConfig, tokens: int, contexts: int, targets: int
) -> list[Step]:
    name = f"{kind.value} {contexts}"
    if kind is LessonKind.BARE_WALK:
        sample = bare_walk_pass(tokens, contexts, targets)
        return [Step(name, share, config.walk_batch, sample)]
    warp, mixture = kind is LessonKind.WARP, config.mixture
    ways = [
        (p * q, walk_pass(tokens, contexts, targets, depth, warp, views_only))
        for p, depth in ((mixture.drop_geometry, False), (1.0 - mixture.drop_geometry, True))
        for q, views_only in ((mixture.views_only, True), (1.0 - mixture.views_only, False))
    ]
    return [Step(name, share * p, config.walk_batch, sample) for p, sample in ways if p > 0]


def buffer_bytes(
    config: SyllabusConfig, shares: Mapping[LessonKind, float], latent_channels: int
) -> float:
    """Of all buffers when they are full: latents and rays in float32."""
    numbers, singles = 0.0, 0.0
    for kind in shares:
        size = config.joint.size if "joint" in kind.value else config.entries.size
        size = config.photo_steps[0][0].size if "photo" in kind.value else size
        latent = latent_channels * (size[0] // 8) * (size[1] // 8)
        rays = 6 * _tokens(size)
        targets = config.entries.targets
        if kind is LessonKind.PHOTO:
            singles = _mean_single(config, latent_channels)
        elif kind is LessonKind.BARE_PHOTO:
            numbers += latent + rays
        elif kind is LessonKind.JOINT:
            numbers += config.joint_views * (5 * latent + rays)
        elif kind is LessonKind.BARE_JOINT:
            numbers += config.joint_views * (latent + rays)
        elif kind is not LessonKind.WARP:  # which are walks
            pictures = 1 if kind is LessonKind.BARE_WALK else 2
            for contexts in range(1, len(config.context_shares) + 1):
                numbers += (contexts + targets) * (pictures * latent + rays)
                numbers += targets * 2 * latent if pictures == 2 else 0
    return 4.0 * (config.buffer * numbers + (config.photo_buffer or config.buffer) * singles)


def _mean_single(config: SyllabusConfig, latent_channels: int) -> float:
    """Numbers of an entry of a single view, over the sizes that share the buffer."""
    sizes = [way.size for way, _ in config.photo_steps]
    pixels = sum(h * w for h, w in sizes) / len(sizes)
    return pixels * (2 * latent_channels / 64 + 6 / _TOKEN**2)


def _tokens(size: tuple[int, int]) -> int:
    return (size[0] // _TOKEN) * (size[1] // _TOKEN)
