"""Adapting frozen weights to pictures and geometry at once (seed 001).

lora            low-rank branches beside frozen linear layers
branches        the frozen weights with adapters of their own
links           zero-initialised links between both branches, pixel by pixel
decoupled       the two branches as one network (Decoupled LoRA Control)
concatenated    what the seed compares with: both modalities in one token, or in one sequence
adapters_file   adapters on disk, bound to the weights that they were trained for
"""
