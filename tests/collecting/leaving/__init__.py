"""Jobs leave when the platform says so, and what nobody knows the end of is told as gone."""
