"""The app settings that describe the service, read as the Functions host reads them.

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
"""The environment variables that may hold a connection string, in order of precedence.

App Service passes a connection string of type Custom in the second.
"""

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
"""The documented spelling of each setting below a connection, by its lower-case name."""

type _Settings = Mapping[str, tuple[str, str]]
"""The settings that are not empty: normalized name to name as written and value, see _key."""


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """The app settings of one instance of the service.

    ``setting`` is the name of the app setting, used in messages. ``text`` is the connection string, or None
    if the instance uses an identity. ``members`` are the settings below it, such as ``serviceuri``. Any value
    may be a Key Vault reference.
    """

    setting: str
    text: str | None
    members: tuple[tuple[str, str], ...] = ()
    name: str = ""
    type: EndpointType = "Primary"

    def __repr__(self) -> str:
        return f"InstanceSettings({self.setting})"

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield the settings that locate the instance: its connection string, or those of its identity."""
        if self.text is not None:
            yield self.setting, self.text
        else:
            for name, value in self.members:
                yield f"{self.setting}__{_WRITTEN[name]}", value

    def has_references(self) -> bool:
        """Tell whether any setting holds a Key Vault reference, well-formed or not."""
        return any(is_reference(value) for _, value in self.items())

    def references(self) -> dict[str, SecretReference]:
        """Return the Key Vault references by the names of the settings that hold them.

        Raise ConnectionStringError for a malformed reference.
        """
        found = {}
        for setting, value in self.items():
            if is_reference(value):
                try:
                    found[setting] = SecretReference.parse(value)
                except ConnectionStringError as error:
                    raise ConnectionStringError(f"the app setting {setting} is invalid: {error}") from None
        return found

    def vault_identity(self) -> Identity:
        """Return the identity that reads the secrets: the one in the settings, else the app's default."""
        members = {name: value for name, value in self.members if not is_reference(value)}
        if "clientsecret" in dict(self.members) and "clientsecret" not in members:
            return Identity()
        return Identity.from_settings(self.setting, members)

    def endpoint(self, secrets: Mapping[str, str] | None = None) -> Endpoint:
        """Return the endpoint of the instance. ``secrets`` holds the resolved values of Key Vault references.

        Raise ConnectionStringError if a setting is invalid; the message names the setting, never its value.
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
                    where = f"{self.references()[self.setting]}, referenced by {where},"
                raise ConnectionStringError(f"{where} is invalid: {error}") from None
        return replace(endpoint, name=self.name, type=self.type)

    def _from_identity(self, values: Mapping[str, str]) -> Endpoint:
        members = {name: values[f"{self.setting}__{_WRITTEN[name]}"] for name, _ in self.members}
        for name, value in members.items():
            if is_reference(value):
                raise ConnectionStringError(
                    f"the app setting {self.setting}__{_WRITTEN[name]} holds an unresolved Key Vault "
                    "reference"
                )
        url = self._url("serviceuri", members["serviceuri"])
        client_url, server_url = (
            self._url(name, members[name]) if name in members else url
            for name in ("clientendpoint", "serverendpoint")
        )
        check_https(f"the app setting {self.setting}__serviceUri (or __serverEndpoint)", server_url)
        identity = Identity.from_settings(self.setting, members)
        return Endpoint(url, client_url, server_url, identity=identity)

    def _url(self, member: str, value: str) -> str:
        label = f"the app setting {self.setting}__{_WRITTEN[member]}"
        return parse_url(label, value.strip(), may_have_path=member != "serviceuri")


def read_instances(
    name: str = DEFAULT_CONNECTION, environment: Mapping[str, str] = os.environ
) -> tuple[InstanceSettings, ...]:
    """Read the app setting ``name``, and the settings below it, as the instances of the service.

    The rules are those of the Functions host: ``ConnectionStrings:<name>`` takes precedence over ``<name>``,
    and a connection string over an identity. The endpoints under ``Azure__SignalR__Endpoints`` are added to
    every connection. Names are case-insensitive, ``:`` and ``__`` are equivalent, and empty settings are
    ignored.

    Raise ConnectionStringError if there is no instance, if none is primary, or if one is incomplete. The
    message names settings, never their values.
    """
    settings = {_key(setting): (setting, value) for setting, value in environment.items() if value}
    for setting in hidden_by_empty(name, environment):
        warn_once(
            f"the app setting {setting} is empty and hides the settings that it takes precedence over from "
            "the host's bindings: remove it"
        )
    sources = (*_unnamed(name, settings), *_named(settings))
    if not sources:
        raise ConnectionStringError(_missing(name, settings))
    if all(source.type == "Secondary" for source in sources):
        seen = ", ".join(source.setting for source in sources)
        raise ConnectionStringError(
            f"every endpoint is secondary, expected at least one primary endpoint; seen: {seen}"
        )
    return sources


def check_instances(sources: Iterable[InstanceSettings]) -> None:
    """Raise ConnectionStringError if a source is invalid. Sources with Key Vault references are skipped."""
    for source in sources:
        if not source.has_references():
            source.endpoint()


def hidden_by_empty(name: str, environment: Mapping[str, str]) -> list[str]:
    """Return the empty settings that hide other settings of the same connection from the host in Azure.

    The host uses the first setting that exists, even if it is empty. Source: OptionsSetup.cs of the SignalR
    extension.
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
                warn_once(
                    f"both {name} and {name}__serviceUri are set; {name} is used: remove one of the two"
                )
            yield _string(name, found[1], members)
            return
    if "serviceuri" in members:
        yield _identity(name, members)


def _named(settings: _Settings) -> Iterator[InstanceSettings]:
    """Yield the endpoints that are added to every connection, sorted by name."""
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
                warn_once(
                    f"both {setting} and {setting}__serviceUri are set; {setting}__serviceUri is used: "
                    "remove one of the two"
                )
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
                f"the endpoint {name} has neither a connection string ({setting}, {setting}__primary or "
                f"{setting}__secondary) nor {setting}__serviceUri; seen: {', '.join(sorted(seen))}"
            )
        yield from sources


def _string(
    setting: str, text: str, members: Mapping[str, str], name: str = "", type: EndpointType = "Primary"
) -> InstanceSettings:
    if "type" in members:
        warn_once(
            f"{setting}__type is ignored, since it applies to identities only: {setting} is {type.lower()}"
        )
    kept = tuple((member, value) for member, value in members.items() if member != "type")
    return InstanceSettings(setting, text, kept, name, type)


def _identity(setting: str, members: Mapping[str, str], name: str = "") -> InstanceSettings:
    kind = _TYPES.get(members.get("type", "primary").lower())
    if kind is None:
        raise ConnectionStringError(
            f"the app setting {setting}__type is invalid, expected Primary or Secondary"
        )
    if "managedidentityresourceid" in members and "credential" not in members:
        warn_once(
            f"{setting}__managedIdentityResourceId is ignored without {setting}__credential=managedidentity"
        )
    if "tenantid" in members and not {"clientsecret", "credential"} & members.keys():
        warn_once(f"{setting}__tenantId is ignored without {setting}__clientSecret or {setting}__credential")
    kept = tuple((member, value) for member, value in members.items() if member != "type")
    return InstanceSettings(setting, None, kept, name, kind)


def _members(settings: _Settings, prefix: str) -> dict[str, str]:
    return {member: settings[prefix + member][1] for member in _WRITTEN if prefix + member in settings}


def _missing(name: str, settings: _Settings) -> str:
    """Return the error message for a missing connection, with the settings that have similar names."""
    seen = [
        written
        for key, (written, _) in sorted(settings.items())
        if key.startswith(f"{_key(name)}:") or "signalr" in key
    ]
    return (
        f"the app setting {name} is not set, expected the connection string of the service "
        "(Endpoint=…;AccessKey=…;Version=1.0;), a Key Vault reference to it, or "
        f"{name}__serviceUri with the address of the service to use an identity: set it in the function "
        "app's environment variables in Azure, and in Values of local.settings.json on your machine; seen: "
        f"{', '.join(seen) or 'no setting with SignalR in its name'}"
    )


def _key(name: str) -> str:
    return name.replace("__", ":").lower()
