"""Be a well-behaved process: its log, its supervisor, its memory."""
