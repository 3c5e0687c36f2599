"""Upstream rules: which events go to which URL.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream, and for the details of patterns what
the official emulator does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

__all__ = ["UpstreamRule", "find_rule", "shown_rules", "shown_url"]

_ANY = "*"
_KEY_VAULT = "{@Microsoft.KeyVault("
_PLACEHOLDER = re.compile(r"\{\w*\}")
_PLACEHOLDERS = ("{hub}", "{category}", "{event}")


@dataclass(frozen=True, slots=True)
class UpstreamRule:
    """The events that match go to ``url``, which may hold ``{hub}``, ``{category}`` and ``{event}``.

    A pattern is a list of names between commas, blanks around them aside. Case matters; hubs are in lower
    case. ``*``, alone or in a list, matches every name, an empty pattern none.
    """

    url: str
    hub: str = _ANY
    category: str = _ANY
    event: str = _ANY

    @property
    def hubs(self) -> list[str]:
        """The names of the hubs whose events it is for; none where it is for any."""
        return [name for name in _names(self.hub) if name and name != _ANY]

    def matches(self, hub: str, category: str, event: str) -> bool:
        """Tell whether the rule is for an event."""
        return _fits(self.hub, hub) and _fits(self.category, category) and _fits(self.event, event)

    def url_for(self, hub: str, category: str, event: str) -> str:
        """Return the URL with its placeholders replaced by percent-encoded names.

        Raise ValueError for a name that has no form in UTF-8, such as half of a surrogate pair.
        """
        url = self.url
        for name, value in (("hub", hub), ("category", category), ("event", event)):
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        return url

    def doubts(self) -> list[str]:
        """Return what is probably wrong with the rule, a sentence each."""
        found = []
        if any(name != name.lower() for name in _names(self.hub)):
            found.append(f"the hub pattern {self.hub!r} has capital letters and hubs are in lower case.")
        if any(name not in ("connections", "messages", _ANY) for name in _names(self.category)):
            found.append(f"the category pattern {self.category!r} is neither connections nor messages.")
        if _KEY_VAULT in self.url:
            found.append("its reference to Key Vault is resolved by the service only.")
        elif not _is_http(self.url):
            found.append("its URL does not start with http:// or https:// and a host.")
        if unknown := [name for name in _PLACEHOLDER.findall(self.url) if name not in _PLACEHOLDERS]:
            found.append(
                f"{unknown[0]} in its URL stays as it is: only {', '.join(_PLACEHOLDERS)} are filled in."
            )
        return found

    def __str__(self) -> str:
        return f"{shown_url(self.url)}(event:'{self.event}',hub:'{self.hub}',category:'{self.category}')"


def find_rule(rules: Iterable[UpstreamRule], hub: str, category: str, event: str) -> UpstreamRule | None:
    """Return the first rule that matches: no other is used."""
    return next((rule for rule in rules if rule.matches(hub, category, event)), None)


def shown_rules(rules: Sequence[UpstreamRule]) -> list[str]:
    """Return a line for each rule, in the form of the official emulator."""
    return [f"\t[{number}]{rule}" for number, rule in enumerate(rules)]


def shown_url(url: str) -> str:
    """Return a URL without its query, which holds the function key, and without a password."""
    if _KEY_VAULT in url:
        return url.partition("?")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an invalid URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _names(pattern: str) -> list[str]:
    return [part.strip() for part in pattern.split(",")]


def _fits(pattern: str, name: str) -> bool:
    if pattern == _ANY:
        return True
    names = _names(pattern)
    return name in names or _ANY in names


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
