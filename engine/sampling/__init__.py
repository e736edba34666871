"""Sampling from the model."""
