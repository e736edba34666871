"""Networks that answer queries: what they have in common, and networks of others in that place.

backbone   the interface of every network, and what networks of layers share
family     what a kind of network tells of itself: how it is told, read, saved, adapted, weighed
registry   every kind, found by its files or by itself
own        our own
text       prompts for the text encoders of others
wan        Wan2.1 of diffusers under our camera gates
"""
