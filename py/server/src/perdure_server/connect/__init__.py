"""Connected apps: they hold a WebSocket, over which executions come to them and their calls go."""
