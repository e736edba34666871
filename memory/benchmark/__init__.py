"""How time and size of a memory grow with the views in it: `python -m memory.benchmark`."""
