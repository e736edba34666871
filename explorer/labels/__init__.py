"""Depth for training, labelled by models of others: photos, videos and posed clips.

items      what a folder holds, and how its pictures are read
clip_depth a model's depth in the units of a clip's cameras
work       labels a folder, picture by picture, and goes on where it was stopped
"""
