"""Ask the API of Kubernetes for objects of any kind; what they mean is the business of others."""
