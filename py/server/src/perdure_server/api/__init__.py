"""The HTTP API: one module a resource, each with its operations at the end."""
