"""The server as an ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.types import ASGIApp

from perdure_server.browser_module import module_route
from perdure_server.connect.session import connect_route
from perdure_server.dashboard import dashboard_routes
from perdure_server.json_text import encode_json
from perdure_server.openapi import build_document
from perdure_server.operations import OPERATIONS
from perdure_server.request_log import RequestLog
from perdure_server.routing import Resources, build_resources
from perdure_server.services import Services, open_services
from perdure_server.settings import Settings


class ServerApp(Starlette):
    """The API, and routes for the rest, in nothing but RequestLog, which does what Starlette's layers do."""

    services: Services
    """From the start (lifespan) on."""
    openapi: bytes
    """The document that describes the API."""
    access_log = True

    def build_middleware_stack(self) -> ASGIApp:
        """Called once, at the first request."""
        return RequestLog(Resources(build_resources(OPERATIONS)), self.router, enabled=self.access_log)


def create_app(settings: Settings) -> ServerApp:
    """Make the server: API, webhook receiver, dashboard and health.

    It opens its connections when it is started (lifespan). On stopping it first answers what is under way:
    writes that were accepted are in the database.
    """

    @asynccontextmanager
    async def lifespan(app: ServerApp) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.services = services
            yield

    app = ServerApp(routes=[connect_route, module_route, *dashboard_routes()], lifespan=lifespan)
    app.access_log = settings.access_log
    app.router.redirect_slashes = False
    app.openapi = encode_json(build_document(OPERATIONS, version=version("perdure-server"))).encode()
    return app
