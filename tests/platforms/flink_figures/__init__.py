"""What is told of the vertices of a Flink job: records, backlog, pressure, and in which calls."""
