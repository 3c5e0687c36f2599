"""Secrets in Azure Key Vault: references to them in app settings, and their values.

In Azure the platform resolves a reference before the app starts. Where it could not, the setting still holds
the reference's text, and this module reads the secret with the app's own identity. Source:
https://learn.microsoft.com/azure/app-service/app-service-key-vault-references.
"""

import asyncio
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from serverless_signalr._extras import requiring
from serverless_signalr._identity import Identity
from serverless_signalr.endpoint import parse_url
from serverless_signalr.errors import ConnectionStringError, ServiceError

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.keyvault.secrets.aio import SecretClient

__all__ = ["SecretReference", "VaultError", "is_reference", "read_secret"]

_PREFIX = "@microsoft.keyvault("
_PATIENCE = 25.0
"""Seconds that a secret may take, its token included."""

_VAULT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_SECRET_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_VERSION = re.compile(r"[0-9a-fA-F]{32}")
_PROPERTIES = ("SecretUri", "VaultName", "SecretName", "SecretVersion")

_FORMS = (
    "expected @Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME) or "
    "@Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME)"
)


class VaultError(ServiceError):
    """A secret that could not be read: which, for which setting, as whom, and what to do; never a value.

    ``status`` is that of the vault's answer, None where none came. The vault does not want to be asked
    again for ``retry_after`` seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, error_code=error_code)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A secret's name, its vault's URL without a trailing slash, and a version or None for the latest."""

    vault_url: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``@Microsoft.KeyVault(…)`` in either syntax.

        Raise ConnectionStringError, which does not repeat the text, for one that is malformed.
        """
        text = text.strip()
        if not text.endswith(")"):
            raise ConnectionStringError(
                f"the reference to Key Vault does not end with a parenthesis, and must be all of the value; "
                f"{_FORMS}"
            )
        properties = _properties(text[len(_PREFIX) : -1])
        uri = properties.pop("SecretUri", None)
        if uri is not None:
            if properties:
                raise ConnectionStringError(
                    f"the reference to Key Vault has SecretUri and {', '.join(properties)}: keep one syntax"
                )
            return cls(*_read_uri(uri))
        vault, name = properties.get("VaultName", ""), properties.get("SecretName", "")
        for label, value, rule in (("VaultName", vault, _VAULT_NAME), ("SecretName", name, _SECRET_NAME)):
            if not rule.fullmatch(value):
                problem = "is none that Key Vault allows" if value else "is missing"
                raise ConnectionStringError(f"{label} of the reference to Key Vault {problem}; {_FORMS}")
        return cls(
            f"https://{vault.lower()}.vault.azure.net", name, _version(properties.get("SecretVersion"))
        )

    def __str__(self) -> str:
        version = f" (version {self.version})" if self.version else ""
        return f"the secret {self.name}{version} of the vault {self.host}"

    @property
    def host(self) -> str:
        """Return the vault's host, which is how messages name it."""
        return self.vault_url.removeprefix("https://")


def is_reference(text: str) -> bool:
    """Tell whether an app setting holds a reference to Key Vault in place of a value."""
    return text.strip()[: len(_PREFIX)].lower() == _PREFIX


async def read_secret(reference: SecretReference, identity: Identity, setting: str) -> str:
    """Return a secret's value; ``setting`` is the app setting that refers to it, for messages.

    Raise VaultError where it cannot be read.
    """
    with requiring("serverless_signalr.connection"):
        from azure.core.exceptions import AzureError

    what = f"{reference}, to which the app setting {setting} refers, was not read as {identity}: "
    try:
        async with asyncio.timeout(_PATIENCE):
            reader = _reader(reference.vault_url, identity)
            async with reader.turn:
                secret = await reader.client.get_secret(reference.name, reference.version)
    except TimeoutError:
        raise VaultError(
            f"{what}no answer came within {_PATIENCE:.0f} seconds; check the network from here to there"
        ) from None
    except AzureError as error:
        raise _explain(what, reference, identity, error) from error
    except ValueError as error:
        # azure-keyvault-secrets refuses to send a token to a host that is no vault of the challenge's cloud.
        raise VaultError(f"{what}{reference.host} is not a Key Vault; check the reference") from error
    if not secret.value:
        raise VaultError(f"{what}it is empty; give it a value")
    return secret.value


def _properties(text: str) -> dict[str, str]:
    names = {name.lower(): name for name in _PROPERTIES}
    properties: dict[str, str] = {}
    for position, part in enumerate(text.split(";"), start=1):
        if not part.strip():
            continue
        key, separator, value = part.partition("=")
        name = names.get(key.strip().lower())
        if not separator or name is None:
            raise ConnectionStringError(
                f"part {position} of the reference to Key Vault is none of {', '.join(_PROPERTIES)}; {_FORMS}"
            )
        if name in properties:
            raise ConnectionStringError(f"the reference to Key Vault has {name} twice")
        properties[name] = value.strip()
    return properties


def _read_uri(uri: str) -> tuple[str, str, str | None]:
    label = "SecretUri of the reference to Key Vault"
    vault, separator, path = uri.partition("/secrets/")
    match path.rstrip("/").split("/"):
        case [name, *rest] if separator and len(rest) <= 1 and _SECRET_NAME.fullmatch(name):
            version = _version(rest[0] if rest else None)
        case _:
            raise ConnectionStringError(f"{label} has no path /secrets/NAME; {_FORMS}")
    try:
        url = parse_url(label, vault)
    except ConnectionStringError:
        url = ""
    if not url.startswith("https://"):
        raise ConnectionStringError(f"{label} is not an https address of a secret; {_FORMS}")
    return url.lower(), name, version


def _version(text: str | None) -> str | None:
    if text and not _VERSION.fullmatch(text):
        raise ConnectionStringError(
            "the version in the reference to Key Vault is none that a secret has: remove it for the latest"
        )
    return text or None


def _explain(what: str, reference: SecretReference, identity: Identity, error: "AzureError") -> VaultError:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if not isinstance(error, HttpResponseError) or error.status_code is None:
        if isinstance(error, ClientAuthenticationError):
            reason = f"there is no token, {str(error).partition('\n')[0]}"
            advice = (
                "turn on the app's managed identity and name it, in AZURE_CLIENT_ID or in __clientId beside "
                "the setting, or sign in on this machine (az login)"
            )
        else:
            reason = "the vault was not reached"
            advice = "check its name, and the network from here to there"
        return VaultError(f"{what}{reason}; {advice}")
    code = _code(error)
    reason = f"the vault answered {error.status_code}{f' ({code})' if code else ''}"
    return VaultError(
        f"{what}{reason}; {_advice(error.status_code, code, reference, identity)}",
        status=error.status_code,
        error_code=code,
        retry_after=_retry_after(error),
    )


def _advice(status: int, code: str | None, reference: SecretReference, identity: Identity) -> str:
    match status, code:
        case HTTPStatus.FORBIDDEN, "SecretDisabled":
            return "enable the secret, or refer to an enabled version"
        case HTTPStatus.FORBIDDEN, "ForbiddenByFirewall" | "ForbiddenByConnection":
            return "let the app's network through the vault's firewall"
        case HTTPStatus.FORBIDDEN, _:
            return (
                f"grant {identity} the role Key Vault Secrets User on the vault (where the vault has access "
                "policies: Get for secrets); it takes some minutes until the vault knows"
            )
        case HTTPStatus.UNAUTHORIZED, _:
            return "see that the vault belongs to the tenant of the identity"
        case HTTPStatus.NOT_FOUND, _:
            known = "that version of the secret" if reference.version else "the secret"
            return f"check the names, and create {known} if the vault has none"
        case HTTPStatus.TOO_MANY_REQUESTS, _:
            return "too much is asked of the vault: it is asked again when it says so"
        case _:
            return "try again later"


def _code(error: Any) -> str | None:
    """Return the innermost code of the vault's error: Forbidden alone does not say by what."""
    details: Any = getattr(error, "error", None)
    inner = getattr(details, "innererror", None)
    code = (inner.get("code") if isinstance(inner, dict) else None) or getattr(details, "code", None)
    return code if isinstance(code, str) and re.fullmatch(r"\w{1,60}", code) else None


def _retry_after(error: Any) -> float | None:
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(asked) if re.fullmatch(r"\d{1,5}", asked) else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """The client of a vault. Secrets are read one at a time: each first asks for a token of its own."""

    client: "SecretClient"
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, Identity], _Reader]] = (
    WeakKeyDictionary()
)


def _reader(vault_url: str, identity: Identity) -> _Reader:
    with requiring("a reference to Key Vault that the platform has not resolved", "identity"):
        from azure.keyvault.secrets.aio import SecretClient

        from serverless_signalr._connection.credential import Credential
        from serverless_signalr._rest.pool import PoolTransport, PromptRetryPolicy

    readers = _readers.setdefault(asyncio.get_running_loop(), {})
    reader = readers.get((vault_url, identity))
    if reader is None:
        credential: Any = Credential(identity)
        client = SecretClient(
            vault_url, credential, transport=PoolTransport(), retry_policy=PromptRetryPolicy(retry_total=2)
        )
        reader = readers[vault_url, identity] = _Reader(client)
    return reader
