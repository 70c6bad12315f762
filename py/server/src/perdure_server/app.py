"""The server as an ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from perdure_server.cors import Cors
from perdure_server.errors import answer_error
from perdure_server.json_text import encode_json
from perdure_server.openapi import build_document
from perdure_server.operations import OPERATIONS
from perdure_server.request_log import RequestLog
from perdure_server.routing import build_resources
from perdure_server.services import open_services
from perdure_server.settings import Settings


def create_app(settings: Settings) -> Starlette:
    """Make the server: API, webhook receiver and health.

    It opens its connections when it is started (lifespan). On stopping it first answers what is under way:
    writes that were accepted are in the database.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = Starlette(
        routes=build_resources(OPERATIONS),
        lifespan=lifespan,
        middleware=[Middleware(Cors), Middleware(RequestLog, enabled=settings.access_log)],
        exception_handlers={
            HTTPException: answer_error
        },  # all others reach RequestLog, which asks the same function
    )
    app.router.redirect_slashes = False
    app.state.openapi = encode_json(build_document(OPERATIONS, version=version("perdure-server"))).encode()
    return app
