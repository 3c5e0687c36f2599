"""Where the app finds its connections: the app settings, read as the Functions host reads them.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""

import os
from collections.abc import Mapping

from signalr.endpoint import Endpoint
from signalr.errors import ConnectionStringError

__all__ = ["DEFAULT_CONNECTION", "endpoint_from_settings"]

DEFAULT_CONNECTION = "AzureSignalRConnectionString"
"""The setting that bindings use when they name none."""

_SOURCES = ("ConnectionStrings:{}", "CUSTOMCONNSTR_{}", "{}")
"""Where a connection string is looked for. The second is how App Service passes one of type Custom."""


def endpoint_from_settings(
    name: str = DEFAULT_CONNECTION, environment: Mapping[str, str] = os.environ
) -> Endpoint:
    """Read the connection string that an app setting holds.

    As in the Functions host, ``ConnectionStrings:<name>`` comes before ``<name>``, case does not matter,
    ``:`` and ``__`` are the same, and an empty setting is none. Raise ConnectionStringError, which names
    the setting but never its value, where it is missing or wrong.
    """
    settings = {_key(setting): value for setting, value in environment.items()}
    for source in _SOURCES:
        if text := settings.get(_key(source.format(name))):
            return _parse(name, text)
    raise ConnectionStringError(
        f"the app setting {name} is not set, expected the connection string of the service "
        "(Endpoint=…;AccessKey=…;Version=1.0;): in Azure it goes into the function app's environment "
        "variables, on your machine into Values of local.settings.json"
    )


def _parse(name: str, text: str) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except ConnectionStringError as error:
        raise ConnectionStringError(f"the app setting {name} is wrong: {error}") from None


def _key(name: str) -> str:
    return name.replace("__", ":").lower()
