"""The address and credentials of the service, parsed from a connection string.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-connection-string.
"""

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from serverless_signalr._hosts import check_https
from serverless_signalr._identity import Identity, IdentityKind, check_ids
from serverless_signalr.errors import ConnectionStringError

__all__ = ["Endpoint", "EndpointType", "parse_url"]

type EndpointType = Literal["Primary", "Secondary"]

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
} | {"clientcertpath": "ClientCert"}
_VERSION = re.compile(r"1\.\d+(?:[\w.-]+)?")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]+\]")
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_SECRET = frozenset({"ClientSecret", "ClientCert"})
_UNCHECKED = _SECRET | {"Version", "Port"}
"""Properties whose values may contain any character, or that have checks of their own."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address and credentials of one instance of the service.

    ``url``, ``client_url`` (for browsers) and ``server_url`` (for REST) have no trailing slash; the last two
    differ from the first only behind a reverse proxy. For an identity, ``access_key`` is None until the
    service has issued a temporary key, which ``key_id`` identifies. ``name`` and ``type`` distinguish several
    instances of one connection.
    """

    url: str
    client_url: str
    server_url: str
    access_key: str | None = field(default=None, repr=False)
    key_id: str | None = None
    identity: Identity | None = None
    name: str = ""
    type: EndpointType = "Primary"

    def __post_init__(self) -> None:
        if self.identity is not None:
            check_https("the address of an identity-based connection", self.server_url)

    @classmethod
    def parse(cls, connection_string: str) -> "Endpoint":
        """Parse a connection string: ``Endpoint=…;AccessKey=…;Version=1.0;``.

        Property names are case-insensitive and may come in any order. A trailing slash of an endpoint is
        dropped, and ``Port`` replaces the port of ``Endpoint``. ``AuthType`` may take the place of
        ``AccessKey``, see Identity. Raise ConnectionStringError for anything else; the message names the
        property, never its value.
        """
        _check_text(connection_string.strip())
        properties = _properties(connection_string)
        if "Endpoint" not in properties:
            raise ConnectionStringError(f"the connection string has no Endpoint; {_seen(properties)}")
        version = properties.get("Version", "1.0")
        if not _VERSION.fullmatch(version):
            raise ConnectionStringError("Version in the connection string is invalid, expected 1.x")
        url = parse_url(
            "Endpoint in the connection string", properties["Endpoint"], port=properties.get("Port")
        )
        access_key = properties.get("AccessKey")
        if access_key is None and "AuthType" not in properties:
            raise ConnectionStringError(
                f"the connection string has neither AccessKey nor AuthType; {_seen(properties)}"
            )
        if access_key is not None and "AuthType" in properties:
            raise ConnectionStringError(
                "the connection string has both AccessKey and AuthType: keep AuthType to use an Entra ID "
                "identity, or AccessKey to use a key"
            )
        client_url, server_url = (
            parse_url(f"{name} in the connection string", properties[name], may_have_path=True)
            if name in properties
            else url
            for name in ("ClientEndpoint", "ServerEndpoint")
        )
        identity = None
        if access_key is None:
            identity = _identity(properties)
            check_https("Endpoint (or ServerEndpoint) in the connection string", server_url)
        return cls(url, client_url, server_url, access_key, identity=identity)

    def client_hub_url(self, hub: str) -> str:
        """Return the address that clients connect to, the ``url`` of a negotiate response."""
        return f"{self.client_url}/client/?hub={hub.lower()}"

    def client_audience(self, hub: str) -> str:
        """Return the ``aud`` claim of a client token, built from Endpoint even if ClientEndpoint is set."""
        return f"{self.url}/client/?hub={hub.lower()}"


def parse_url(label: str, value: str, *, port: str | None = None, may_have_path: bool = False) -> str:
    """Return an address without its trailing slash, and with its port replaced by ``port`` if that is given.

    Raise ConnectionStringError if the address is not a scheme and a host, with a path only if
    ``may_have_path``. The message has ``label`` in place of the value.
    """
    try:
        parts = urlsplit(value)
        stated_port = parts.port
    except ValueError:
        raise ConnectionStringError(f"{label} is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionStringError(f"{label} must start with http:// or https://")
    path = parts.path.strip("/")
    if "@" in parts.netloc or parts.query or parts.fragment or (path and not may_have_path):
        raise ConnectionStringError(
            f"{label} must be a scheme and a host{', with an optional path' if may_have_path else ' only'}"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if not _HOST.fullmatch(host):
        raise ConnectionStringError(
            f"{label} is not a valid host name: check for a missing semicolon after it"
        )
    if host.endswith(".webpubsub.azure.com"):
        raise ConnectionStringError(f"{label} is a Web PubSub resource, expected a SignalR Service resource")
    if port is not None:
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ConnectionStringError("Port in the connection string is invalid, expected 1 to 65535")
        stated_port = int(port)
    default = {"http": 80, "https": 443}[parts.scheme]
    shown_port = f":{stated_port}" if stated_port not in (None, default) else ""
    return f"{parts.scheme}://{host}{shown_port}{f'/{path}' if path else ''}"


def _check_text(text: str) -> None:
    """Refuse text that was pasted with a connection string, or instead of one."""
    lowered = text.lower()
    if lowered.startswith("@microsoft."):
        kind = "Key Vault" if lowered.startswith("@microsoft.keyvault") else "App Configuration"
        raise ConnectionStringError(f"it holds an unresolved {kind} reference")
    if text and (text[0] in _QUOTES or (text[-1] in _QUOTES and text[-2:-1] == ";")):
        raise ConnectionStringError("the connection string begins or ends with a quote: remove the quotes")
    if text and not (text[0].isprintable() and text[0] not in _INVISIBLE):
        raise ConnectionStringError("the connection string begins with an invisible character: remove it")
    if lowered.startswith(("http://", "https://")):
        raise ConnectionStringError(
            "it holds an address, expected a connection string (Endpoint=…;AccessKey=…;Version=1.0;), or a "
            "reference such as @Microsoft.KeyVault(SecretUri=https://…)"
        )


def _properties(connection_string: str) -> dict[str, str]:
    properties: dict[str, str] = {}
    positions: dict[str, int] = {}
    for position, part in enumerate(connection_string.strip().split(";"), start=1):
        if not part.strip():
            continue
        key, separator, value = part.partition("=")
        name = _PROPERTIES.get(key.strip().lower())
        if name is None and position == 1 and value.lower().startswith("endpoint="):
            raise ConnectionStringError(
                "the connection string begins with a name before Endpoint=: remove the name of the setting"
            )
        if not separator or name is None:
            # An unknown part may be a fragment of a key, so its position is shown instead of its text.
            raise ConnectionStringError(
                f"part {position} of the connection string is not a known Name=Value pair; "
                f"{_seen(properties)}"
            )
        if name in properties:
            raise ConnectionStringError(
                f"the connection string has {name} twice, in parts {positions[name]} and {position}"
            )
        _check_value(name, value.strip())
        properties[name], positions[name] = value.strip(), position
    return properties


def _check_value(name: str, value: str) -> None:
    label = f"{name} in the connection string"
    if not value:
        raise ConnectionStringError(f"{label} is empty")
    if value.lower().startswith(f"{name.lower()}="):
        raise ConnectionStringError(f"{label} begins with {name}= again: remove one of the two")
    if name not in _SECRET and (value[0] in _QUOTES or value[-1] in _QUOTES):
        raise ConnectionStringError(f"{label} begins or ends with a quote: remove the quotes")
    if name in _UNCHECKED:
        return
    if ",accesskey=" in value.lower().replace(" ", ""):
        raise ConnectionStringError(f"{label} is followed by a comma, expected a semicolon")
    if value[0] == "<" and value[-1] == ">":
        raise ConnectionStringError(f"{label} is a placeholder: replace it with the value")
    for index, character in enumerate(value, start=1):
        if character.isspace():
            raise ConnectionStringError(f"{label} has whitespace at character {index}: remove it")
        if not "!" <= character <= "~":
            raise ConnectionStringError(
                f"{label} has a non-ASCII character at character {index}: copy the value from the portal or "
                "the CLI"
            )


def _seen(properties: dict[str, str]) -> str:
    return f"seen: {', '.join(properties)}" if properties else "it has no properties"


def _identity(properties: dict[str, str]) -> Identity:
    kind = properties["AuthType"].lower()
    client_id, tenant_id, secret, certificate = (
        properties.get(name) for name in ("ClientId", "TenantId", "ClientSecret", "ClientCert")
    )
    check_ids("ClientId in the connection string", client_id, "TenantId in the connection string", tenant_id)
    if kind == "aad":
        # The old name of both: an application if there is a tenant, else a managed identity.
        kind = "azure.app" if client_id and tenant_id else "azure.msi"
    match kind:
        case "azure":
            return Identity(IdentityKind.DEFAULT, client_id, tenant_id)
        case "azure.msi":
            return Identity(IdentityKind.MANAGED, client_id)
        case "azure.app" | "azure.certificate":
            required = {"ClientId": client_id, "TenantId": tenant_id}
            if kind == "azure.certificate":
                required["ClientCert"] = certificate
            elif certificate is None:
                required["ClientSecret"] = secret
            missing = [name for name, value in required.items() if value is None]
            if missing:
                raise ConnectionStringError(
                    f"the connection string has no {', '.join(missing)}, which AuthType={kind} needs; "
                    f"{_seen(properties)}"
                )
            if kind == "azure.app" and secret is not None and certificate is not None:
                raise ConnectionStringError(
                    "the connection string has both ClientSecret and ClientCert: keep one"
                )
            return Identity(IdentityKind.APPLICATION, client_id, tenant_id, secret, certificate)
        case _:
            raise ConnectionStringError(
                "AuthType in the connection string is invalid, expected azure, azure.msi or azure.app"
            )
