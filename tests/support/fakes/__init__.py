"""Stand-ins for the services our integrations call: real HTTP, the real wire format, every call recorded."""
