"""Teaches a head to tell the lens of a photo by what an encoder sees in it: `train lens`."""
