"""Adapters translate a host's requests for the endpoint and do nothing else. Here: ASGI."""
