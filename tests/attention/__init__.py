"""Problems of jobs, each by the cases of its own file."""
