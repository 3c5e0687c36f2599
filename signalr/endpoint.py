"""Where the service is and what opens it: the parsed connection string."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from signalr.errors import ConnectionStringError

__all__ = ["Endpoint"]

_PROPERTIES = {
    name.lower(): name
    for name in (
        "Endpoint",
        "AccessKey",
        "Version",
        "Port",
        "ClientEndpoint",
        "ServerEndpoint",
        "AuthType",
        "ClientId",
        "ClientSecret",
        "ClientCert",
        "TenantId",
    )
}
_VERSION = re.compile(r"1\.\d+(?:[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Name one instance of the service.

    ``url``, ``client_url`` (for browsers) and ``server_url`` (for REST) have no trailing slash; the last
    two differ from the first only behind a reverse proxy. ``access_key`` is None where the service is
    opened by an identity.
    """

    url: str
    client_url: str
    server_url: str
    access_key: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, connection_string: str) -> "Endpoint":
        """Read a connection string: ``Endpoint=…;AccessKey=…;Version=1.0;``.

        Property names are case-insensitive, their order is free, a trailing slash of an endpoint is
        dropped and ``Port`` replaces the port of ``Endpoint``. Raise ConnectionStringError, which names
        the property but never a value, for anything else.
        Source: https://learn.microsoft.com/azure/azure-signalr/concept-connection-string
        """
        properties = _properties(connection_string)
        if "Endpoint" not in properties:
            raise ConnectionStringError(f"the connection string has no Endpoint; {_seen(properties)}")
        version = properties.get("Version", "1.0")
        if not _VERSION.fullmatch(version):
            raise ConnectionStringError("Version in the connection string is wrong, expected 1.x")
        url = _url("Endpoint", properties["Endpoint"], properties.get("Port"))
        access_key = properties.get("AccessKey")
        if access_key is None and "AuthType" not in properties:
            raise ConnectionStringError(
                f"the connection string has neither AccessKey nor AuthType; {_seen(properties)}"
            )
        client_url, server_url = (
            _url(name, properties[name]) if name in properties else url
            for name in ("ClientEndpoint", "ServerEndpoint")
        )
        return cls(url, client_url, server_url, access_key)

    def client_hub_url(self, hub: str) -> str:
        """Return the address that a browser connects to: what negotiate answers as ``url``."""
        return f"{self.client_url}/client/?hub={hub.lower()}"

    def client_audience(self, hub: str) -> str:
        """Return the ``aud`` of a client's token: built from Endpoint even where ClientEndpoint is set."""
        return f"{self.url}/client/?hub={hub.lower()}"


def _properties(connection_string: str) -> dict[str, str]:
    properties: dict[str, str] = {}
    for position, part in enumerate(connection_string.strip().split(";"), start=1):
        if not part.strip():
            continue
        key, separator, value = part.partition("=")
        name = _PROPERTIES.get(key.strip().lower())
        if not separator or name is None:
            # An unknown part may be a piece of a key that was pasted wrongly: it is counted, not quoted.
            raise ConnectionStringError(
                f"part {position} of the connection string is no Name=Value pair that the service knows; "
                f"{_seen(properties)}"
            )
        if name in properties:
            raise ConnectionStringError(f"the connection string has {name} twice")
        if not value.strip():
            raise ConnectionStringError(f"{name} in the connection string is empty")
        properties[name] = value.strip()
    return properties


def _seen(properties: dict[str, str]) -> str:
    return f"seen: {', '.join(properties)}" if properties else "it has no properties"


def _url(name: str, value: str, port: str | None = None) -> str:
    try:
        parts = urlsplit(value)
        stated_port = parts.port
    except ValueError:
        raise ConnectionStringError(f"{name} in the connection string is no valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionStringError(f"{name} in the connection string must start with http:// or https://")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ConnectionStringError(f"{name} in the connection string must be scheme and host, nothing more")
    if port is not None:
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ConnectionStringError("Port in the connection string is wrong, expected 1 to 65535")
        stated_port = int(port)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{stated_port}" if stated_port not in (None, default) else "")
