"""The service itself: is it in the mode in which events are sent to an app?"""

from collections.abc import Iterator

from signalr_local.doctor.files import ServiceDescription
from signalr_local.doctor.findings import Finding, fine, wrong

__all__ = ["check_mode"]

_SERVERLESS = "Serverless"


def check_mode(service: ServiceDescription) -> Iterator[Finding]:
    """Check the service mode."""
    if service.mode == _SERVERLESS:
        yield fine("service.mode", "service mode", _SERVERLESS)
        return
    command = f"az signalr update{named(service)} --service-mode {_SERVERLESS}"
    yield wrong(
        "service.mode", "service mode", f"it is {service.mode}, and events are not sent upstream", command
    )


def named(service: ServiceDescription) -> str:
    """Return the options with which az finds the service, empty if its name is not known."""
    return f" --name {service.name} --resource-group {service.group}" if service.name else ""
