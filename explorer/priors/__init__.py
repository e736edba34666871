"""Depth of the photo from models that others trained."""
