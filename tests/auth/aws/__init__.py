"""Who asks Amazon Web Services, and how that is proven."""
