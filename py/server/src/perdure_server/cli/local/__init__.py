"""Perdure and an app as processes of this machine, for ``perdure dev``, the demo and the end-to-end tests."""
