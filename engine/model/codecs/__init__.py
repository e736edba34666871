"""Codecs: what turns pictures into the latents that transformers draw.

picture_codec   the interface that every codec has
diffusers_codec autoencoders of diffusers behind it: FLUX's, TAEF1, Wan 2.1's
normalisation   latents of about unit variance, by the numbers that a folder's config states
folder          an autoencoder's folder: found, checked and read
stored          codecs in checkpoints: ours with its weights, one of diffusers by name and hash
"""
