"""A reference desk: an answer streamed word by word, a client asked for a result, roles, timed groups."""

import azure.functions as func
from desk import Desk

from serverless_signalr import FunctionApp, Principal, insecure_user_id, is_deployed

desk = Desk()
bp = desk.blueprint


@bp.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with a token that carries the caller's roles: the methods of the hub rely on them."""
    principal = Principal.from_request(req)
    if principal is not None:
        user_id, roles = principal.id, principal.roles
    elif is_deployed():
        user_id, roles = None, ()
    else:
        # A developer's machine knows no identities: everybody is who they say.
        user_id, roles = insecure_user_id(req), tuple(filter(None, [req.params.get("role")]))
    connection = await desk.negotiate(
        user_id=user_id, claims={"role": roles, "desk": "main"}, close_on_expiry=True
    )
    return func.HttpResponse(connection.to_json(), mimetype="application/json")


app = FunctionApp()
app.register_functions(bp)
