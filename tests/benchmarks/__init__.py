"""Benchmarks and training, run on demand; their results are kept under docs/benchmarks."""
