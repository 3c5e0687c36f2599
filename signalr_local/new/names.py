"""The names of a new app and of its hub."""

import re

from serverless_signalr import check_hub_name

__all__ = ["app_name_for", "check_app_name", "check_hub", "hub_name_for"]

_APP_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")


def check_app_name(name: str) -> str:
    """Return the name of an app unchanged. Raise ValueError for one that Azure's tools do not take."""
    if not _APP_NAME.fullmatch(name):
        raise ValueError(
            f"the app's name {name!r} is not valid: it has 2 to 40 lower-case letters, digits and hyphens, "
            "starts with a letter and does not end with a hyphen"
        )
    return name


def check_hub(name: str) -> str:
    """Return the name of a hub unchanged. Raise ValueError for an invalid one.

    The service also takes the characters `` `,.[] ``, which a new hub has no use for.
    """
    check_hub_name(name)
    if not name.replace("_", "").isalnum():
        raise ValueError(f"the hub name {name!r} is not valid: use letters, digits and _ only")
    return name


def app_name_for(folder: str) -> str:
    """Return an app's name for a folder's name."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.lower())
    name = re.sub(r"^[^a-z]+", "", words)[:40].rstrip("-")
    return name if len(name) > 1 else "app"


def hub_name_for(app: str) -> str:
    """Return a hub's name for an app's name."""
    return app.replace("-", "_")
