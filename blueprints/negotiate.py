"""The negotiate function, which returns the service's address and an access token."""

import logging

import azure.functions as func

from blueprints.hub import HUB, REFUSAL, USER_ID
from serverless_signalr import Blueprint, SignalRConnectionInfo

bp = Blueprint(hub=HUB)


@bp.route(route="negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.signalr_connection_info_input(user_id=USER_ID)
def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
    """Respond with ``{url, accessToken}``, with which SignalR clients connect to the service.

    If NEGOTIATE_USER_ID was refused, respond with 500 to everybody, and log the reason.
    """
    if REFUSAL is not None:
        logging.error("negotiate is refused to everybody: %s", REFUSAL)
        return func.HttpResponse(status_code=500)
    return info.to_response()
