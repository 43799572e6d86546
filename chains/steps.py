"""The names of what can be left out of a search. Light: what counts and times them need not import them."""

LEVERS = ("translate", "rewrite", "rerank", "judge")
"""Each `chains.lever.Lever` by the name of its runs, as callbacks and metrics see it."""
