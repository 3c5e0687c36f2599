"""The health check of the app's connection to the service."""

import json
from http import HTTPStatus

import azure.functions as func

from serverless_signalr import Blueprint

bp = Blueprint()


@bp.route(route="health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Respond with 200 if clients can be served, else 503, with settings, vaults, identities and problems."""
    from serverless_signalr import HealthStatus, check_health

    found = await check_health()
    is_serving = found.status is not HealthStatus.UNHEALTHY
    return func.HttpResponse(
        json.dumps(found.to_dict(), indent=2),
        status_code=HTTPStatus.OK if is_serving else HTTPStatus.SERVICE_UNAVAILABLE,
        mimetype="application/json",
        headers={"Cache-Control": "no-store"},
    )
