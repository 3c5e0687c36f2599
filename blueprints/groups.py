"""HTTP functions that add users and connections to groups, and remove them."""

import azure.functions as func

from blueprints.hub import HUB
from blueprints.requests import read_group_name, read_name
from blueprints.responses import accepted, answering_problems
from serverless_signalr import Blueprint, SignalROutput

bp = Blueprint(hub=HUB)


@bp.route(route="groups/{groupName}/users/{userId}", methods=["PUT"])
@bp.signalr_output()
@answering_problems
def add_user_to_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Add a user's present and future connections to a group."""
    outbox.add_to_group(read_group_name(req), user_id=read_name(req, "userId"))
    return accepted()


@bp.route(route="groups/{groupName}/users/{userId}", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_user_from_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Remove a user's connections from a group."""
    outbox.remove_from_group(read_group_name(req), user_id=read_name(req, "userId"))
    return accepted()


@bp.route(route="groups/{groupName}/connections/{connectionId}", methods=["PUT"])
@bp.signalr_output()
@answering_problems
def add_connection_to_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Add one connection to a group."""
    outbox.add_to_group(read_group_name(req), connection_id=read_name(req, "connectionId"))
    return accepted()


@bp.route(route="groups/{groupName}/connections/{connectionId}", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_connection_from_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Remove one connection from a group."""
    outbox.remove_from_group(read_group_name(req), connection_id=read_name(req, "connectionId"))
    return accepted()


@bp.route(route="users/{userId}/groups", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_user_from_all_groups(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Remove a user's connections from every group."""
    outbox.remove_from_all_groups(read_name(req, "userId"))
    return accepted()
