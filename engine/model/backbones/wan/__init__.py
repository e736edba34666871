"""Wan2.1 (`WanTransformer3DModel` of diffusers) in the place of our transformer.

pictures   how pictures of every kind, rays and hints enter, and how they leave
layers     Wan's own layers over groups that see one another, with camera gates beside them
network    the network that answers queries
adapted    the choice of what is trained
adaptation made trainable by that choice; adapters merged
files      a pipeline's folder read, and what was trained on it
family     all that the registry of backbones asks
"""
