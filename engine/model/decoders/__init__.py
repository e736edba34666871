"""What turns a kind's latents into its picture, where the codec alone is too coarse.

To add one, subclass `PictureDecoder` and enter its class in `registry.DECODERS`.
"""
