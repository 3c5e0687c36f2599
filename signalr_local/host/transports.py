"""How bindings reach the service, as an app setting says: only one way takes several endpoints."""

from collections.abc import Mapping, Sequence

from serverless_signalr._connection.settings import InstanceSettings

__all__ = ["check_transport"]

_TRANSPORT = "AzureSignalRServiceTransportType"
_TAKES_SEVERAL = {"Transient": False, "0": False, "Persistent": True, "1": True}
"""Whether bindings take several endpoints, by the transport, whose case matters to the extension."""


def check_transport(sources: Sequence[InstanceSettings], settings: Mapping[str, str]) -> None:
    """Raise ValueError for a connection that bindings refuse: several endpoints need a setting."""
    transport = settings.get(_TRANSPORT) or "Transient"
    if transport not in _TAKES_SEVERAL:
        raise ValueError(
            f"the app setting {_TRANSPORT} is wrong, expected Transient or Persistent, in this spelling"
        )
    if len(sources) > 1 and not _TAKES_SEVERAL[transport]:
        named = ", ".join(source.setting for source in sources)
        raise ValueError(
            f"there are {len(sources)} endpoints, which bindings take only with the app setting "
            f"{_TRANSPORT}=Persistent; seen: {named}"
        )
