"""How alike pictures look, to a network that nothing is trained with.

lite2      EfficientNet-Lite2, embedded for measuring alone
convert    brought it here, once
alike      a distance between two pictures at each pixel
together   a distance between two sets of pictures
"""
