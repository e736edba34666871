"""Teaches an image encoder and a dense decoder to see depth: `train depth`."""
