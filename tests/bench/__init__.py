"""The benchmarks behind `docs/benchmarks.md`: `make bench`."""
