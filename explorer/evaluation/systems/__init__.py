"""The five published systems, each as queries of the one model: a table for each, beside its own.

samples             unseen worlds with true pictures, depth and cameras
joint_completion    video to depth and cameras, and search over samples   (seed 000)
sparse_frames       few frames to all points                              (seed 001)
points              pictures and points together                         (seed 002)
context_walk        the walk there and back, by its switches              (seed 003)
masked_completion   holes, wrong warps, re-noised patches                 (seed 004)
edits               an edited view, carried to the others                 (seed 004)
published           what the five report themselves, on other data
run                 all of them: `evaluate seeds`
"""
