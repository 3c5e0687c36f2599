"""Where a client learns the service's address and gets its access token."""

import azure.functions as func

from blueprints.hub import HUB, USER_ID
from serverless_signalr import Blueprint, SignalRConnectionInfo

bp = Blueprint(hub=HUB)


@bp.route(route="negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.signalr_connection_info_input(user_id=USER_ID)
def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
    """Answer ``{url, accessToken}``: SignalR clients follow it to the service."""
    return info.to_response()
