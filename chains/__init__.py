"""Thinks: triage, retrieval, drafting and the checks of a draft. Knows nothing of the web nor of a helpdesk's API."""
