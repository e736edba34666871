"""Pretrained sight: networks whose features join the tokens of pictures.

To add one, subclass `ImageEncoder` and enter its class in `registry.ENCODERS`.
"""
