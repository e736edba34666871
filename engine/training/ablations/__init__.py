"""What each part of the design is worth: small models, trained separately at equal budget.

variants   the rows of seed 003's tables 3 to 6, of seed 002's table 1, of seed 001's figure 3
lessons    the one task that all of them are taught: the next view along a known path
study      trains every variant from several seeds and measures it on unseen worlds
record     what is measured so far, so that a stopped run goes on
"""
