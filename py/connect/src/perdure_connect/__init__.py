"""Perdure's connected mode: the app's connection, the worker ``perdure-connect``, and their messages."""
