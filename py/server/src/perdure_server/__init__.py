"""Perdure's HTTP API, webhook receiver and the ``perdure`` command."""
