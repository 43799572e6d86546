"""Speaks to helpdesks. Knows nothing of drafting nor of the web."""
