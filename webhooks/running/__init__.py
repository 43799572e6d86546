"""Greffier on one machine: its processes, its own PostgreSQL, and what keeps them."""
