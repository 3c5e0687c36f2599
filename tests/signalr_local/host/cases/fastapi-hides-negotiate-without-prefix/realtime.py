import azure.functions as func

bp = func.Blueprint()


@bp.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")
