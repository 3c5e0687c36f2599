"""The names of events: those of connections, and their common misspellings."""

from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category

__all__ = ["EVENT_MARK", "category_of", "check_event_name"]

EVENT_MARK = "_signalr_event"
"""The attribute with which ``event`` and ``not_an_event`` mark a hub method."""

_MISSPELT = {
    **dict.fromkeys(("onconnected", "onconnectedasync", "onconnect"), CONNECTED),
    **dict.fromkeys(("ondisconnected", "ondisconnectedasync", "ondisconnect"), DISCONNECTED),
}


def category_of(event: str) -> Category:
    """Return the category of an event: connections for connected and disconnected, else messages."""
    return Category.CONNECTIONS if event in (CONNECTED, DISCONNECTED) else Category.MESSAGES


def check_event_name(what: str, event: str) -> None:
    """Raise TypeError for a misspelling of connected or disconnected."""
    lowered = event.lower().replace("_", "")
    meant = _MISSPELT.get(lowered, lowered)
    if meant in (CONNECTED, DISCONNECTED) and event != meant:
        raise TypeError(
            f"{what} would be the event {event}, which every client could call and no connection raises: the "
            f"event of a connection is called {meant}"
        )
