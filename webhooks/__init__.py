"""Runs: takes the events in, keeps the ledger, does the jobs, offers the command line."""
