"""Keys of the host and its functions: new in each run, and never asked for on one's own machine."""

import secrets
from typing import Any

__all__ = ["Keys"]


class Keys:
    """Hold keys by scope, which is a path such as ``host/systemkeys``."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, str]] = {}

    def list(self, scope: str, url: str, *, has_default: bool) -> dict[str, Any]:
        """Return the keys of a scope as the admin routes show them; most scopes have a default one."""
        keys = self._keys.setdefault(scope, {"default": _new()} if has_default else {})
        shown = [{"name": name, "value": value} for name, value in keys.items()]
        return {"keys": shown, "links": _links(url)}

    def get(self, scope: str, name: str, url: str) -> dict[str, Any] | None:
        """Return one key, None where there is none of that name."""
        value = self._keys.get(scope, {}).get(name)
        return None if value is None else {"name": name, "value": value, "links": _links(url)}

    def make(self, scope: str, name: str) -> bool:
        """Make a key, or make it anew. Tell whether there was none."""
        is_new = name not in self._keys.setdefault(scope, {})
        self._keys[scope][name] = _new()
        return is_new


def _new() -> str:
    return secrets.token_urlsafe(40)


def _links(url: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": url}]
