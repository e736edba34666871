"""Networks that answer queries: what they have in common, and networks of others in that place.

backbone   the interface of every network, and what networks of layers share
text       prompts for the text encoders of others
wan        Wan2.1 of diffusers under our camera gates
"""
