"""Where a client learns the service's address and gets its access token."""

import logging

import azure.functions as func

from blueprints.hub import HUB, REFUSAL, USER_ID
from serverless_signalr import Blueprint, SignalRConnectionInfo

bp = Blueprint(hub=HUB)


@bp.route(route="negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.signalr_connection_info_input(user_id=USER_ID)
def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
    """Answer ``{url, accessToken}``: SignalR clients follow it to the service.

    Where the setting that says who a user is was refused, nobody gets a token: 500, and the log says why.
    """
    if REFUSAL is not None:
        logging.error("negotiate is refused to everybody: %s", REFUSAL)
        return func.HttpResponse(status_code=500)
    return info.to_response()
