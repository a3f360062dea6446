"""What is shown of the jobs of a source, and in what order."""
