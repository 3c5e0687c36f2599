"""The connection info of clients, and the instances of the service that it may come from."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import azure.functions as func

__all__ = ["SignalRConnectionInfo", "SignalREndpoint", "SignalRNegotiation", "SignalRRefreshInfo"]


@dataclass(frozen=True, slots=True)
class SignalRConnectionInfo:
    """The response of a negotiate function: the address of the service and an access token for it.

    Clients that are told ``token_lifetime_seconds`` refresh their authentication before the token expires, if
    they can, and need the function that does it, see docs/refresh.md. The binding does not set it.
    """

    url: str
    access_token: str = field(repr=False)
    token_lifetime_seconds: int | None = None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that the ``signalRConnectionInfo`` binding delivers."""
        return cls._from_dict(json.loads(text))

    @classmethod
    def _from_dict(cls, value: dict[str, Any]) -> Self:
        return cls(value["url"], value["accessToken"], value.get("tokenLifetimeSeconds"))

    def to_json(self) -> str:
        """Return the response body that SignalR clients expect from ``POST …/negotiate``."""
        seconds = self.token_lifetime_seconds
        lifetime = {} if seconds is None else {"tokenLifetimeSeconds": seconds}
        return json.dumps({"url": self.url, "accessToken": self.access_token, **lifetime})

    def to_response(self) -> "func.HttpResponse":
        """Return the HTTP response of a negotiate function, with ``Cache-Control: no-store``."""
        return _response(self.to_json())


@dataclass(frozen=True, slots=True)
class SignalRRefreshInfo:
    """The response of a refresh function: a new access token for an open connection (preview)."""

    access_token: str = field(repr=False)
    token_lifetime_seconds: int

    def to_json(self) -> str:
        """Return the response body that SignalR clients expect from ``POST …/refresh``."""
        return json.dumps(
            {"accessToken": self.access_token, "tokenLifetimeSeconds": self.token_lifetime_seconds}
        )

    def to_response(self) -> "func.HttpResponse":
        """Return the HTTP response of a refresh function, with ``Cache-Control: no-store``."""
        return _response(self.to_json())


@dataclass(frozen=True, slots=True)
class SignalREndpoint:
    """One instance of the service, and whether it is online."""

    endpoint_type: Literal["Primary", "Secondary"]
    name: str
    endpoint: str
    online: bool

    @classmethod
    def list_from_json(cls, text: str) -> list[Self]:
        """Parse the text that the ``signalREndpoints`` binding delivers."""
        return [cls._from_dict(item) for item in json.loads(text)]

    @classmethod
    def _from_dict(cls, value: dict[str, Any]) -> Self:
        return cls(value["endpointType"], value["name"], value["endpoint"], value["online"])

    def to_dict(self) -> dict[str, object]:
        """Return the endpoint as an item of a message's ``endpoints``."""
        return {
            "endpointType": self.endpoint_type,
            "name": self.name,
            "endpoint": self.endpoint,
            "online": self.online,
        }


@dataclass(frozen=True, slots=True)
class SignalRNegotiation:
    """Connection info for every instance of the service, for the function to choose from."""

    endpoints: list[tuple[SignalREndpoint, SignalRConnectionInfo]]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that the ``signalRNegotiation`` binding delivers."""
        return cls(
            [
                (
                    SignalREndpoint._from_dict(item),
                    SignalRConnectionInfo._from_dict(item["connectionInfo"]),
                )
                for item in json.loads(text)["endpoints"]
            ]
        )


def _response(body: str) -> "func.HttpResponse":
    import azure.functions as func

    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})
