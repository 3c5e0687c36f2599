"""HTTP functions that send to everybody, to a user, a group or a connection."""

import azure.functions as func

from blueprints.hub import HUB
from blueprints.requests import read_group_name, read_message, read_name
from blueprints.responses import accepted, answering_problems
from serverless_signalr import Blueprint, SignalROutput

bp = Blueprint(hub=HUB)


@bp.route(route="messages", methods=["POST"])
@bp.signalr_output()
@answering_problems
def send_message(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Send to every client of the hub."""
    target, arguments = read_message(req)
    outbox.send(target, *arguments)
    return accepted()


@bp.route(route="users/{userId}/messages", methods=["POST"])
@bp.signalr_output()
@answering_problems
def send_user_message(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Send to every connection of one user."""
    target, arguments = read_message(req)
    outbox.send(target, *arguments, user_id=read_name(req, "userId"))
    return accepted()


@bp.route(route="groups/{groupName}/messages", methods=["POST"])
@bp.signalr_output()
@answering_problems
def send_group_message(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Send to the members of one group."""
    group_name = read_group_name(req)
    target, arguments = read_message(req)
    outbox.send(target, *arguments, group_name=group_name)
    return accepted()


@bp.route(route="connections/{connectionId}/messages", methods=["POST"])
@bp.signalr_output()
@answering_problems
def send_connection_message(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
    """Send to one connection."""
    target, arguments = read_message(req)
    outbox.send(target, *arguments, connection_id=read_name(req, "connectionId"))
    return accepted()
