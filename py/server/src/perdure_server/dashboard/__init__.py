"""The dashboard: pages for people, rendered by the server, at /dashboard."""

from perdure_server.dashboard.app import dashboard_routes

__all__ = ["dashboard_routes"]
