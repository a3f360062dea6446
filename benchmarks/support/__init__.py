"""What the benchmarks share: jobs to show, servers to ask, a client to ask them, tables to fill."""
