"""Azure SignalR Service for Azure Functions in Python: everything that an app imports.

Each name is loaded from its module when it is first used, so that an app pays at its cold start only for
what it uses (PEP 562).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serverless_signalr._connection.router import Router, any_online
    from serverless_signalr._functions.authorization import requires, requires_nothing
    from serverless_signalr._hub.clients import AnyClient, Clients, target
    from serverless_signalr._hub.events import event, not_an_event
    from serverless_signalr._hub.managers import ClientManager, Groups, UserGroups
    from serverless_signalr._hub.methods import Call, Filter
    from serverless_signalr._models.invocation import SignalRInvocationContext
    from serverless_signalr._models.negotiation import (
        SignalRConnectionInfo,
        SignalREndpoint,
        SignalRNegotiation,
        SignalRRefreshInfo,
    )
    from serverless_signalr._models.output import SignalRGroupAction, SignalRMessage, SignalROutput
    from serverless_signalr._negotiation.users import SignalRUser, platform_user
    from serverless_signalr._rest.background import run_sync
    from serverless_signalr.answers import (
        ANSWER_TARGET,
        Answer,
        AnswerClient,
        AnswerConflictError,
        AnswerExistsError,
        AnswerInfo,
        AnswerPiece,
        AnswerState,
        AnswerStore,
        AnswerStream,
        AnswerTarget,
        MayResume,
        MemoryAnswerStore,
        PieceKind,
        StoredAnswer,
        TableAnswerStore,
        add_answers,
        cancel_answer,
        resume_answer,
        send_answer,
        stream_answer,
    )
    from serverless_signalr.bindings import Blueprint, FunctionApp
    from serverless_signalr.connection import ServiceConnection, service_connection
    from serverless_signalr.endpoint import Endpoint
    from serverless_signalr.errors import (
        ConnectionNotFoundError,
        ConnectionStringError,
        HubException,
        InvalidArgumentError,
        NotFoundError,
        PartialSendError,
        PayloadTooLargeError,
        RefreshNotSupportedError,
        ServiceError,
        ServiceUnavailableError,
        ThrottledError,
        UnauthorizedError,
        UserMismatchError,
    )
    from serverless_signalr.health import Health, HealthStatus, InstanceHealth, check_health
    from serverless_signalr.hub import ServerlessHub
    from serverless_signalr.principal import Principal, insecure_user_id, is_deployed
    from serverless_signalr.protocol.names import MAX_BODY, check_group_name, check_hub_name
    from serverless_signalr.protocol.upstream import Category
    from serverless_signalr.rest import (
        CloseConnection,
        Command,
        GroupConnection,
        JoinGroup,
        LeaveGroup,
        SendMessage,
        ServiceClient,
    )

__all__ = [
    "ANSWER_TARGET",
    "MAX_BODY",
    "Answer",
    "AnswerClient",
    "AnswerConflictError",
    "AnswerExistsError",
    "AnswerInfo",
    "AnswerPiece",
    "AnswerState",
    "AnswerStore",
    "AnswerStream",
    "AnswerTarget",
    "AnyClient",
    "Blueprint",
    "Call",
    "Category",
    "ClientManager",
    "Clients",
    "CloseConnection",
    "Command",
    "ConnectionNotFoundError",
    "ConnectionStringError",
    "Endpoint",
    "Filter",
    "FunctionApp",
    "GroupConnection",
    "Groups",
    "Health",
    "HealthStatus",
    "HubException",
    "InstanceHealth",
    "InvalidArgumentError",
    "JoinGroup",
    "LeaveGroup",
    "MayResume",
    "MemoryAnswerStore",
    "NotFoundError",
    "PartialSendError",
    "PayloadTooLargeError",
    "PieceKind",
    "Principal",
    "RefreshNotSupportedError",
    "Router",
    "SendMessage",
    "ServerlessHub",
    "ServiceClient",
    "ServiceConnection",
    "ServiceError",
    "ServiceUnavailableError",
    "SignalRConnectionInfo",
    "SignalREndpoint",
    "SignalRGroupAction",
    "SignalRInvocationContext",
    "SignalRMessage",
    "SignalRNegotiation",
    "SignalROutput",
    "SignalRRefreshInfo",
    "SignalRUser",
    "StoredAnswer",
    "TableAnswerStore",
    "ThrottledError",
    "UnauthorizedError",
    "UserGroups",
    "UserMismatchError",
    "add_answers",
    "any_online",
    "cancel_answer",
    "check_group_name",
    "check_health",
    "check_hub_name",
    "event",
    "insecure_user_id",
    "is_deployed",
    "not_an_event",
    "platform_user",
    "requires",
    "requires_nothing",
    "resume_answer",
    "run_sync",
    "send_answer",
    "service_connection",
    "stream_answer",
    "target",
]

_NAMES = {
    "_connection.router": "Router any_online",
    "_functions.authorization": "requires requires_nothing",
    "_hub.clients": "AnyClient Clients target",
    "_hub.events": "event not_an_event",
    "_hub.managers": "ClientManager Groups UserGroups",
    "_hub.methods": "Call Filter",
    "_models.invocation": "SignalRInvocationContext",
    "_models.negotiation": "SignalRConnectionInfo SignalREndpoint SignalRNegotiation SignalRRefreshInfo",
    "_models.output": "SignalRGroupAction SignalRMessage SignalROutput",
    "_negotiation.users": "SignalRUser platform_user",
    "_rest.background": "run_sync",
    "answers": "ANSWER_TARGET Answer AnswerClient AnswerConflictError AnswerExistsError AnswerInfo "
    "AnswerPiece AnswerState AnswerStore AnswerStream AnswerTarget MayResume "
    "MemoryAnswerStore PieceKind StoredAnswer TableAnswerStore add_answers cancel_answer "
    "resume_answer send_answer stream_answer",
    "bindings": "Blueprint FunctionApp",
    "connection": "ServiceConnection service_connection",
    "endpoint": "Endpoint",
    "errors": "ConnectionNotFoundError ConnectionStringError HubException InvalidArgumentError NotFoundError "
    "PartialSendError PayloadTooLargeError RefreshNotSupportedError ServiceError ServiceUnavailableError "
    "ThrottledError UnauthorizedError UserMismatchError",
    "health": "Health HealthStatus InstanceHealth check_health",
    "hub": "ServerlessHub",
    "principal": "Principal insecure_user_id is_deployed",
    "protocol.names": "MAX_BODY check_group_name check_hub_name",
    "protocol.upstream": "Category",
    "rest": "CloseConnection Command GroupConnection JoinGroup LeaveGroup SendMessage ServiceClient",
}
"""Modules, and the names that each of them gives."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
