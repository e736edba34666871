"""What can be asked of the model. Start at `views`; `Engine.load()` gives the embedded weights."""

from engine.model.embedded import embedded_weights
from engine.queries.answers import AnsweredView, ask
from engine.queries.context import open_context
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.photo_depth import draw_depth_of_photo
from engine.queries.query import Context, Hint, KnownView, Query, QueryError
from engine.queries.views import SamplerSettings, draw_depth, draw_view
from engine.sampling.flow import Drawing, Step, finish
from engine.sampling.joint import JointSampling

__all__ = [
    "SIZE_MULTIPLE",
    "AnsweredView",
    "Context",
    "Drawing",
    "Engine",
    "Hint",
    "JointSampling",
    "KnownView",
    "Query",
    "QueryError",
    "SamplerSettings",
    "Step",
    "ask",
    "draw_depth",
    "draw_depth_of_photo",
    "draw_view",
    "embedded_weights",
    "finish",
    "open_context",
]
