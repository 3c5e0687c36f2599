"""The connection info of clients, and the instances of the service that it may come from."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import azure.functions as func

__all__ = ["SignalRConnectionInfo", "SignalREndpoint", "SignalRNegotiation"]


@dataclass(frozen=True, slots=True)
class SignalRConnectionInfo:
    """The response of a negotiate function: the address of the service and an access token for it."""

    url: str
    access_token: str = field(repr=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that the ``signalRConnectionInfo`` binding delivers."""
        return cls._from_dict(json.loads(text))

    @classmethod
    def _from_dict(cls, value: dict[str, str]) -> Self:
        return cls(value["url"], value["accessToken"])

    def to_json(self) -> str:
        """Return the response body that SignalR clients expect from ``POST …/negotiate``."""
        return json.dumps({"url": self.url, "accessToken": self.access_token})

    def to_response(self) -> "func.HttpResponse":
        """Return the HTTP response of a negotiate function, with ``Cache-Control: no-store``."""
        import azure.functions as func

        return func.HttpResponse(
            self.to_json(), mimetype="application/json", headers={"Cache-Control": "no-store"}
        )


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
