"""What the exporter does when a platform misbehaves: every fault, at every operation."""
