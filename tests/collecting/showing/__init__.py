"""What is shown of the jobs of a source, in what order, and as of when."""
