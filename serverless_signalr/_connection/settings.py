"""Where the app finds its connections: the app settings, read as the Functions host reads them.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service,
https://learn.microsoft.com/azure/azure-functions/functions-reference#connections and
https://learn.microsoft.com/azure/azure-signalr/signalr-howto-scale-multi-instances.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from serverless_signalr._connection.once import warn_once
from serverless_signalr._connection.vault import SecretReference, is_reference
from serverless_signalr._hosts import check_https
from serverless_signalr._identity import Identity
from serverless_signalr.endpoint import Endpoint, EndpointType, parse_url
from serverless_signalr.errors import ConnectionStringError
from serverless_signalr.protocol.names import DEFAULT_CONNECTION

__all__ = [
    "InstanceSettings",
    "check_instances",
    "hidden_by_empty",
    "read_instances",
]

_PLACES = ("ConnectionStrings:{}", "CUSTOMCONNSTR_{}", "{}")
"""Where a connection string is looked for. The second is how App Service passes one of type Custom."""

_ENDPOINTS = "azure:signalr:endpoints:"

_TYPES: dict[str, EndpointType] = {"primary": "Primary", "secondary": "Secondary"}

_WRITTEN = {
    "serviceuri": "serviceUri",
    "clientendpoint": "clientEndpoint",
    "serverendpoint": "serverEndpoint",
    "type": "type",
    "credential": "credential",
    "clientid": "clientId",
    "tenantid": "tenantId",
    "clientsecret": "clientSecret",
    "managedidentityresourceid": "managedIdentityResourceId",
}
"""The settings below a connection by their names' keys, as they are documented."""

type _Settings = Mapping[str, tuple[str, str]]
"""The settings that are not empty, each with its name as it was written, by their names' keys."""


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """What the app settings say about one instance of the service.

    ``setting`` names it in messages. ``text`` is a connection string, None where the instance is identity-
    based; ``members`` are the settings below it, such as ``serviceuri``. Any of them may be a reference to
    Key Vault.
    """

    setting: str
    text: str | None
    members: tuple[tuple[str, str], ...] = ()
    name: str = ""
    type: EndpointType = "Primary"

    def __repr__(self) -> str:
        return f"InstanceSettings({self.setting})"

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield what says where the instance is: its connection string, or the settings of its identity."""
        if self.text is not None:
            yield self.setting, self.text
        else:
            for name, value in self.members:
                yield f"{self.setting}__{_WRITTEN[name]}", value

    def has_references(self) -> bool:
        """Tell whether a setting refers to Key Vault, rightly or not."""
        return any(is_reference(value) for _, value in self.items())

    def references(self) -> dict[str, SecretReference]:
        """Return the references to Key Vault by the settings that hold them."""
        found = {}
        for setting, value in self.items():
            if is_reference(value):
                try:
                    found[setting] = SecretReference.parse(value)
                except ConnectionStringError as error:
                    raise ConnectionStringError(f"the app setting {setting} is wrong: {error}") from None
        return found

    def vault_identity(self) -> Identity:
        """Return as whom the references are read: the identity beside the connection, or the app's own."""
        members = {name: value for name, value in self.members if not is_reference(value)}
        if "clientsecret" in dict(self.members) and "clientsecret" not in members:
            return Identity()
        return Identity.from_settings(self.setting, members)

    def endpoint(self, secrets: Mapping[str, str] | None = None) -> Endpoint:
        """Return the instance, with the values of the secrets that settings refer to.

        Raise ConnectionStringError, which names the setting but never its value, where it is wrong.
        """
        values = {setting: (secrets or {}).get(setting, value) for setting, value in self.items()}
        if self.text is None:
            endpoint = self._from_identity(values)
        else:
            try:
                endpoint = Endpoint.parse(values[self.setting])
            except ConnectionStringError as error:
                where = f"the app setting {self.setting}"
                if secrets:
                    where = f"{self.references()[self.setting]}, to which {where} refers,"
                raise ConnectionStringError(f"{where} is wrong: {error}") from None
        return replace(endpoint, name=self.name, type=self.type)

    def _from_identity(self, values: Mapping[str, str]) -> Endpoint:
        members = {name: values[f"{self.setting}__{_WRITTEN[name]}"] for name, _ in self.members}
        for name, value in members.items():
            if is_reference(value):
                raise ConnectionStringError(
                    f"the app setting {self.setting}__{_WRITTEN[name]} holds a reference to Key Vault that "
                    "was not resolved"
                )
        url = self._url("serviceuri", members["serviceuri"])
        client_url, server_url = (
            self._url(name, members[name]) if name in members else url
            for name in ("clientendpoint", "serverendpoint")
        )
        check_https(f"the app setting {self.setting}__serviceUri, or __serverEndpoint,", server_url)
        identity = Identity.from_settings(self.setting, members)
        return Endpoint(url, client_url, server_url, identity=identity)

    def _url(self, member: str, value: str) -> str:
        label = f"the app setting {self.setting}__{_WRITTEN[member]}"
        return parse_url(label, value.strip(), may_have_path=member != "serviceuri")


def read_instances(
    name: str = DEFAULT_CONNECTION, environment: Mapping[str, str] = os.environ
) -> tuple[InstanceSettings, ...]:
    """Read what an app setting, and those below it, say about each instance of the service.

    As in the Functions host, ``ConnectionStrings:<name>`` comes before ``<name>``, and a connection string
    before an identity; the endpoints under ``Azure__SignalR__Endpoints`` join every connection; case does
    not matter, ``:`` and ``__`` are the same, and an empty setting is none. Raise ConnectionStringError,
    which names settings but never a value, where there is no instance, none that is primary, or one is
    incomplete.
    """
    settings = {_key(setting): (setting, value) for setting, value in environment.items() if value}
    for setting in hidden_by_empty(name, environment):
        warn_once(
            f"{setting} is set and empty, so that the host's bindings find nothing behind it: remove it"
        )
    sources = (*_unnamed(name, settings), *_named(settings))
    if not sources:
        raise ConnectionStringError(_missing(name, settings))
    if all(source.type == "Secondary" for source in sources):
        seen = ", ".join(source.setting for source in sources)
        raise ConnectionStringError(
            f"every endpoint is secondary, expected a primary one at least; seen: {seen}"
        )
    return sources


def check_instances(sources: Iterable[InstanceSettings]) -> None:
    """Raise ConnectionStringError for sources that are wrong; one that refers to a secret is passed over."""
    for source in sources:
        if not source.has_references():
            source.endpoint()


def hidden_by_empty(name: str, environment: Mapping[str, str]) -> list[str]:
    """Return empty settings that make the host in Azure overlook what a connection has beside them.

    It takes a setting that is there for a connection string, even an empty one. Source: OptionsSetup.cs of
    the SignalR extension.
    """
    written = {_key(setting): setting for setting in environment}
    filled = {_key(setting) for setting, value in environment.items() if value}
    places = [_key(source.format(name)) for source in (_PLACES[0], _PLACES[2])]
    behind = [*places, f"{_key(name)}:serviceuri"]
    return [
        written[place]
        for position, place in enumerate(places)
        if place in written and place not in filled and filled & set(behind[position + 1 :])
    ]


def _unnamed(name: str, settings: _Settings) -> Iterator[InstanceSettings]:
    members = _members(settings, f"{_key(name)}:")
    for source in _PLACES:
        if found := settings.get(_key(source.format(name))):
            if "serviceuri" in members:
                warn_once(f"both {name} and {name}__serviceUri are set: the first is used; remove one")
            yield _string(name, found[1], members)
            return
    if "serviceuri" in members:
        yield _identity(name, members)


def _named(settings: _Settings) -> Iterator[InstanceSettings]:
    """Yield the endpoints that join every connection, in the order of their names."""
    names: dict[str, str] = {}
    for key, (written, _) in settings.items():
        if key.startswith(_ENDPOINTS):
            name = written.replace("__", ":").split(":")[3]
            names.setdefault(name.lower(), name)
    for key, name in sorted(names.items()):
        setting, section = f"Azure__SignalR__Endpoints__{name}", f"{_ENDPOINTS}{key}"
        members = _members(settings, f"{section}:")
        sources = []
        if "serviceuri" in members:
            if section in settings:
                warn_once(f"both {setting} and {setting}__serviceUri are set: the second is used; remove one")
            sources.append(_identity(setting, members, name))
        elif section in settings:
            sources.append(_string(setting, settings[section][1], members, name))
        sources += [
            _string(f"{setting}__{kind}", settings[f"{section}:{kind}"][1], {}, name, type)
            for kind, type in _TYPES.items()
            if f"{section}:{kind}" in settings
        ]
        if not sources:
            seen = [written for other, (written, _) in settings.items() if other.startswith(f"{section}:")]
            raise ConnectionStringError(
                f"the endpoint {name} has no connection string ({setting}, or with __primary or __secondary "
                f"behind it) and no {setting}__serviceUri; seen: {', '.join(sorted(seen))}"
            )
        yield from sources


def _string(
    setting: str, text: str, members: Mapping[str, str], name: str = "", type: EndpointType = "Primary"
) -> InstanceSettings:
    if "type" in members:
        warn_once(f"{setting}__type is for identities only: {setting} is {type.lower()}, whatever it says")
    kept = tuple((member, value) for member, value in members.items() if member != "type")
    return InstanceSettings(setting, text, kept, name, type)


def _identity(setting: str, members: Mapping[str, str], name: str = "") -> InstanceSettings:
    kind = _TYPES.get(members.get("type", "primary").lower())
    if kind is None:
        raise ConnectionStringError(
            f"the app setting {setting}__type is wrong, expected Primary or Secondary"
        )
    if "managedidentityresourceid" in members and "credential" not in members:
        warn_once(
            f"{setting}__managedIdentityResourceId counts only with {setting}__credential=managedidentity"
        )
    if "tenantid" in members and not {"clientsecret", "credential"} & members.keys():
        warn_once(f"{setting}__tenantId counts only with {setting}__clientSecret, or {setting}__credential")
    kept = tuple((member, value) for member, value in members.items() if member != "type")
    return InstanceSettings(setting, None, kept, name, kind)


def _members(settings: _Settings, prefix: str) -> dict[str, str]:
    return {member: settings[prefix + member][1] for member in _WRITTEN if prefix + member in settings}


def _missing(name: str, settings: _Settings) -> str:
    """Return the error for a missing connection: what is expected, and which similar settings exist."""
    seen = [
        written
        for key, (written, _) in sorted(settings.items())
        if key.startswith(f"{_key(name)}:") or "signalr" in key
    ]
    return (
        f"the app setting {name} is not set, expected the connection string of the service "
        "(Endpoint=…;AccessKey=…;Version=1.0;), a reference to it in Key Vault, or "
        f"{name}__serviceUri with the address of the service for an identity: in Azure it goes into the "
        "function app's environment variables, on your machine into Values of local.settings.json; seen: "
        f"{', '.join(seen) or 'no setting with SignalR in its name'}"
    )


def _key(name: str) -> str:
    return name.replace("__", ":").lower()
