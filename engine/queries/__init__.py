"""What can be asked of the model. Start at `views`; `Engine.load()` gives the embedded weights."""

from engine.model.embedded import embedded_weights
from engine.queries.context import Context, ContextView, open_context
from engine.queries.drawing import Hint, SamplerSettings
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.photo_depth import draw_depth_of_photo
from engine.queries.views import Drawn, draw_depth, draw_view, draw_warp
from engine.sampling.flow import Drawing, Step, finish

__all__ = [
    "SIZE_MULTIPLE",
    "Context",
    "ContextView",
    "Drawing",
    "Drawn",
    "Engine",
    "Hint",
    "SamplerSettings",
    "Step",
    "draw_depth",
    "draw_depth_of_photo",
    "draw_view",
    "draw_warp",
    "embedded_weights",
    "finish",
    "open_context",
]
