"""Listen, route requests, and answer the signals of an operator."""
