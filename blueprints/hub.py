"""The hub name of this app and the identity of its users, shared by all functions."""

import os
from collections.abc import Mapping

from serverless_signalr import is_deployed

__all__ = ["HUB", "REFUSAL", "USER_ID"]

HUB = "chat"

_VERIFIED = frozenset({"{headers.x-ms-client-principal-id}", "{headers.x-ms-client-principal-name}"})
"""Headers that App Service Authentication sets, and removes from incoming requests."""


def user_id_expression(settings: Mapping[str, str]) -> str | None:
    """Return the binding expression for the user id of negotiate, or None for anonymous users.

    The expression is the app setting NEGOTIATE_USER_ID. Except on a developer's machine, the user id must
    come from App Service Authentication. Raise ValueError for an expression that callers control, and if
    authentication is off, because callers can then set the headers.
    """
    expression = settings.get("NEGOTIATE_USER_ID") or None
    if expression is None or not is_deployed(settings):
        return expression
    if expression.lower() not in _VERIFIED:
        raise ValueError(
            f"NEGOTIATE_USER_ID is {expression}, which lets every caller choose who to be: that is for a "
            "developer's machine, where the local host says that it is one. Elsewhere it must be one of "
            f"{', '.join(sorted(_VERIFIED))}, or absent for anonymous users."
        )
    if settings.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
        raise ValueError(
            f"NEGOTIATE_USER_ID is {expression}, but App Service Authentication is off and anybody can send "
            "that header. Turn authentication on, or remove the setting for anonymous users."
        )
    return expression


def _read(settings: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the expression, or the reason to refuse it. Raising at import would disable all functions."""
    try:
        return user_id_expression(settings), None
    except ValueError as error:
        return None, str(error)


USER_ID, REFUSAL = _read(os.environ)
