"""Walks of two sizes against walks of one, their pictures enlarged: at the picture's size."""
