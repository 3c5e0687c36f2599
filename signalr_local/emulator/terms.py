"""The settings of a connection that its token carries in claims such as ``asrs.s.htt``.

Source: the claims that the service's SDKs write (ClaimsUtility), and specs/CloseOnAuthenticationExpire.md of
https://github.com/Azure/azure-signalr. A value that no SDK writes is taken for absent.
"""

from dataclasses import dataclass

from serverless_signalr.protocol.claims import Claims

__all__ = ["EXPIRES", "Terms"]

_TRANSPORTS = "asrs.s.htt"
_HANDSHAKE = "asrs.s.cht"
_POLL_GAP = "asrs.s.ttl"
_CLOSES = "asrs.s.coae"
EXPIRES = "asrs.s.aeo"
_DIAGNOSTIC = "asrs.s.dc"

_MAX_HANDSHAKE = 30
_MAX_POLL_GAP = 300


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings of one connection; None means that the token says nothing.

    ``transports`` is a bit for each that is allowed, ``expires`` the end of the connection in seconds since
    1970. ``handshake`` and ``poll_gap`` replace those of Timing. What a diagnostic client sends and receives
    is logged.
    """

    transports: int | None = None
    handshake: float | None = None
    poll_gap: float | None = None
    expires: float | None = None
    is_diagnostic: bool = False

    @classmethod
    def of(cls, claims: Claims) -> "Terms":
        """Return the settings in the claims of a token."""
        return cls(
            transports=_number(claims, _TRANSPORTS, 0, 7),
            handshake=_number(claims, _HANDSHAKE, 1, _MAX_HANDSHAKE),
            poll_gap=_number(claims, _POLL_GAP, 1, _MAX_POLL_GAP),
            expires=_number(claims, EXPIRES, 0, 2**53) if _is_true(claims, _CLOSES) else None,
            is_diagnostic=_is_true(claims, _DIAGNOSTIC),
        )


def _is_true(claims: Claims, name: str) -> bool:
    return "true" in (value.lower() for value in claims.get(name, ()))


def _number(claims: Claims, name: str, least: int, most: int) -> int | None:
    text = next(iter(claims.get(name, ())), "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return number if least <= (number := int(text)) <= most else None
