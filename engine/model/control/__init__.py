"""Adapting frozen weights to pictures and geometry at once (seed 001).

lora            low-rank branches beside frozen linear layers, of any module
links           zero-initialised links between two branches, on a few layers, pixel by pixel
joint_network   what every coupling of pictures and geometry has in common
decoupled       two branches joined by links alone (Decoupled LoRA Control)
concatenated    what the seed compares with: both modalities in one token, or in one sequence
networks        any of the three by its configuration; at equal budget; on disk
family          all that the registry of backbones asks
adapters_file   adapters as files, bound to the weights that they were trained for
"""
