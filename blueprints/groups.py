"""HTTP requests that change who is in a group."""

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
    """Put a user's connections into a group, the present ones and those to come."""
    outbox.add_to_group(read_group_name(req), user_id=read_name(req, "userId"))
    return accepted()


@bp.route(route="groups/{groupName}/users/{userId}", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_user_from_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Take a user's connections out of a group."""
    outbox.remove_from_group(read_group_name(req), user_id=read_name(req, "userId"))
    return accepted()


@bp.route(route="groups/{groupName}/connections/{connectionId}", methods=["PUT"])
@bp.signalr_output()
@answering_problems
def add_connection_to_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Put one connection into a group."""
    outbox.add_to_group(read_group_name(req), connection_id=read_name(req, "connectionId"))
    return accepted()


@bp.route(route="groups/{groupName}/connections/{connectionId}", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_connection_from_group(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Take one connection out of a group."""
    outbox.remove_from_group(read_group_name(req), connection_id=read_name(req, "connectionId"))
    return accepted()


@bp.route(route="users/{userId}/groups", methods=["DELETE"])
@bp.signalr_output()
@answering_problems
def remove_user_from_all_groups(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Take a user's connections out of every group."""
    outbox.remove_from_all_groups(read_name(req, "userId"))
    return accepted()
