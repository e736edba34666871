"""Several pictures at once: videos in, interpolation, reconstruction, generation, edits.

video_in       any video or folder of pictures as frames at working size
tracking       where an edited region goes, and what of the edit goes with it
output         what is written, the same files as of a walk
interpolating, reconstructing, generating, editing   one command each
"""
