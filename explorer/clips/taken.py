"""Frames on their way from a file to a clip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from explorer.clips.camera_files import FoundCameras
from explorer.clips.frames import Clip, ClipOptions, Fit, Rgb
from explorer.walk.sizes import Size, Sizes


@dataclass(frozen=True)
class Shown:
    """A picture, upright and whole, and when it is shown, in seconds from the first one."""

    time: float
    picture: Image.Image


@dataclass
class Taken:
    """Frames as they are taken, each brought to working size at once: whole ones fill memory."""

    near: tuple[int, int]
    sizes: Sizes | None = None
    frames: list[Rgb] = field(default_factory=list)
    pictures: list[Rgb] = field(default_factory=list)
    original: tuple[int, int] = (0, 0)
    fit: Fit | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, picture: Image.Image, whole: tuple[int, int]) -> None:
        """Takes a picture that may have been decoded at a fraction of its `whole` size."""
        if self.fit is None:
            self.fit, self.original = Fit.of(whole, self.near), whole
            self.notes.extend(self.fit.note(whole))
        fit = self.fit
        if whole != self.original:
            fit = Fit.within(whole, fit.size)
            self.note(
                f"some frames are {whole[0]}x{whole[1]} instead of {self.original[0]}x"
                f"{self.original[1]} pixels; their centres were taken"
            )
        share = picture.width / whole[0]
        crop = (fit.crop[0] * share, fit.crop[1] * share)
        self.frames.append(replace(fit, crop=crop).apply(picture))
        large = self._large(fit)
        if large is not None:
            self.pictures.append(Fit(crop, large).apply(picture))

    def _large(self, fit: Fit) -> Size | None:
        """The picture's size; that of the first frame."""
        if self.pictures:
            height, width = self.pictures[0].shape[:2]
            return int(width), int(height)
        return None if self.sizes is None else self.sizes.picture_of(fit.crop)

    def note(self, sentence: str) -> None:
        """For the user; each sentence once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def clip(
        self, name: str, times: list[float], options: ClipOptions, found: FoundCameras | None
    ) -> Clip:
        """The clip of all that was taken; `times` in seconds, one a frame."""
        assert self.fit is not None
        lens = None
        if options.fov is not None:
            whole = Intrinsics.from_fov(options.fov, self.original[0] / self.original[1])
            lens = self.fit.lens(whole, self.original)
        cameras: tuple[Camera, ...] = ()
        if found is not None:
            cameras = tuple(self._cropped(camera) for camera in found.cameras)
            lens = lens or cameras[0].intrinsics
            for sentence in found.notes:
                self.note(sentence)
        first = times[0]
        return Clip(
            frames=tuple(self.frames),
            pictures=tuple(self.pictures),
            times=tuple(time - first for time in times),
            source_name=name,
            original_size=self.original,
            notes=tuple(self.notes),
            lens=lens,
            cameras=cameras,
        )

    def _cropped(self, camera: Camera) -> Camera:
        assert self.fit is not None
        return Camera(camera.T_world_camera, self.fit.lens(camera.intrinsics, self.original))
