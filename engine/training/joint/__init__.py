"""Lessons in which several pictures of several views are asked at once (seeds 000, 001, 002, 004).

patterns  which pictures of a lesson are observed, partly observed or asked
entries   a sequence as latents of every kind
lessons   patterns and entries as groups of tokens with their true answers
"""
