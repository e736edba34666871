"""How keys and autopilots move a camera; no Qt."""
