"""Finding Flink clusters."""
