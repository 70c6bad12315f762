"""The messages between platform, endpoint and SDK, their signing, and the HTTP client that carries them.

Imports nothing else of Perdure, so that server, dispatcher and SDK can share it.
"""
