"""Is the server alive, and can it serve?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from perdure_server.messages.health import Health
from perdure_server.responses import model_response
from perdure_server.routing import Access, Operation
from perdure_server.services import services_of


async def healthz(request: Request) -> Response:
    """Tell that the process is alive.

    Looks at nothing else, so that a database restart does not make a supervisor kill the server.
    """
    return model_response(Health(status="ok"))


async def readyz(request: Request) -> Response:
    """Tell whether requests can be served.

    200 when the database can be reached and has this release's schema, else 503 with the reason.
    """
    await services_of(request).check_ready()
    return model_response(Health(status="ready"))


operations = [
    Operation("GET", "/healthz", healthz, access=Access.OPEN, answer=Health),
    Operation("GET", "/readyz", readyz, access=Access.OPEN, answer=Health, errors=(503,)),
]
