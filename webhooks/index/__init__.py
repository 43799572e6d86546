"""From the configured sources to the index: `greffier index`, and what the worker does to keep it fresh."""
