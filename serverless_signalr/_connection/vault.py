"""Key Vault references in app settings, and the secrets that they refer to.

In Azure the platform resolves references before the app starts. If that fails, the setting still holds the
text of the reference, and this module reads the secret with the app's own identity. Source:
https://learn.microsoft.com/azure/app-service/app-service-key-vault-references.
"""

import asyncio
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from serverless_signalr import _telemetry as telemetry
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
"""Timeout in seconds for reading a secret, including its token."""

_VAULT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_SECRET_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_VERSION = re.compile(r"[0-9a-fA-F]{32}")
_PROPERTIES = ("SecretUri", "VaultName", "SecretName", "SecretVersion")

_FORMS = (
    "expected @Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME) or "
    "@Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME)"
)


class VaultError(ServiceError):
    """A secret could not be read.

    The message names the secret, the app setting, the identity and the remedy, never a value. ``status`` is
    the status of the vault's response, or None without one. ``retry_after`` is the number of seconds for
    which the vault asks not to be called again.
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
    """A reference to a secret: the URL of its vault without a trailing slash, its name, and its version.

    ``version`` is None for the latest.
    """

    vault_url: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``@Microsoft.KeyVault(…)`` in either syntax.

        Raise ConnectionStringError for a malformed reference; the message does not repeat it.
        """
        text = text.strip()
        if not text.endswith(")"):
            raise ConnectionStringError(
                f"the Key Vault reference does not end with a parenthesis, or is followed by other text; "
                f"{_FORMS}"
            )
        properties = _properties(text[len(_PREFIX) : -1])
        uri = properties.pop("SecretUri", None)
        if uri is not None:
            if properties:
                raise ConnectionStringError(
                    f"the Key Vault reference has both SecretUri and {', '.join(properties)}: use one syntax"
                )
            return cls(*_read_uri(uri))
        vault, name = properties.get("VaultName", ""), properties.get("SecretName", "")
        for label, value, rule in (("VaultName", vault, _VAULT_NAME), ("SecretName", name, _SECRET_NAME)):
            if not rule.fullmatch(value):
                problem = "is not a valid name" if value else "is missing"
                raise ConnectionStringError(f"{label} of the Key Vault reference {problem}; {_FORMS}")
        return cls(
            f"https://{vault.lower()}.vault.azure.net", name, _version(properties.get("SecretVersion"))
        )

    def __str__(self) -> str:
        version = f" (version {self.version})" if self.version else ""
        return f"the secret {self.name}{version} in the vault {self.host}"

    @property
    def host(self) -> str:
        """Return the host of the vault, which identifies it in messages."""
        return self.vault_url.removeprefix("https://")


def is_reference(text: str) -> bool:
    """Tell whether the value of an app setting is a Key Vault reference."""
    return text.strip()[: len(_PREFIX)].lower() == _PREFIX


async def read_secret(reference: SecretReference, identity: Identity, setting: str) -> str:
    """Return the value of a secret. ``setting`` is the app setting that refers to it, for messages.

    Raise VaultError if the secret cannot be read.
    """
    with requiring("serverless_signalr.connection"):
        from azure.core.exceptions import AzureError

    what = f"{reference}, referenced by the app setting {setting}, could not be read as {identity}: "
    try:
        async with asyncio.timeout(_PATIENCE):
            reader = _reader(reference.vault_url, identity)
            async with reader.turn:
                with telemetry.reading_secret(reference.host):
                    secret = await reader.client.get_secret(reference.name, reference.version)
    except TimeoutError:
        raise VaultError(
            f"{what}no response within {_PATIENCE:.0f} seconds; check the network between the app and the "
            "vault"
        ) from None
    except AzureError as error:
        raise _explain(what, reference, identity, error) from error
    except ValueError as error:
        # azure-keyvault-secrets refuses to send a token to a host outside the domain of the challenge.
        raise VaultError(f"{what}{reference.host} is not a Key Vault; check the reference") from error
    if not secret.value:
        raise VaultError(f"{what}the secret is empty; give it a value")
    telemetry.fetched("secret")
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
                f"part {position} of the Key Vault reference is not one of {', '.join(_PROPERTIES)}; {_FORMS}"
            )
        if name in properties:
            raise ConnectionStringError(f"the Key Vault reference has {name} twice")
        properties[name] = value.strip()
    return properties


def _read_uri(uri: str) -> tuple[str, str, str | None]:
    label = "SecretUri of the Key Vault reference"
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
        raise ConnectionStringError(f"{label} is not the https:// address of a secret; {_FORMS}")
    return url.lower(), name, version


def _version(text: str | None) -> str | None:
    if text and not _VERSION.fullmatch(text):
        raise ConnectionStringError(
            "the version in the Key Vault reference is not a valid secret version, expected 32 hexadecimal "
            "digits: remove it to use the latest"
        )
    return text or None


def _explain(what: str, reference: SecretReference, identity: Identity, error: "AzureError") -> VaultError:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if not isinstance(error, HttpResponseError) or error.status_code is None:
        if isinstance(error, ClientAuthenticationError):
            reason = f"no access token, {str(error).partition('\n')[0]}"
            advice = (
                "enable the app's managed identity; if it is user-assigned, set its client id in "
                "AZURE_CLIENT_ID or in the __clientId setting of this connection; on your machine, sign in "
                "with az login"
            )
        else:
            reason = "the vault could not be reached"
            advice = "check its name, and the network between the app and the vault"
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
            return "enable the secret, or reference an enabled version"
        case HTTPStatus.FORBIDDEN, "ForbiddenByFirewall" | "ForbiddenByConnection":
            return "allow the app's network in the vault's firewall"
        case HTTPStatus.FORBIDDEN, _:
            return (
                f"grant {identity} the role Key Vault Secrets User on the vault (or, if the vault uses "
                "access policies, the Get permission for secrets); it can take some minutes to take effect"
            )
        case HTTPStatus.UNAUTHORIZED, _:
            return "check that the vault and the identity belong to the same tenant"
        case HTTPStatus.NOT_FOUND, _:
            missing = "that version of the secret" if reference.version else "the secret"
            return f"check the names, and create {missing} if it does not exist"
        case HTTPStatus.TOO_MANY_REQUESTS, _:
            return "the vault throttles requests; the app retries after the pause that the vault asks for"
        case _:
            return "try again later"


def _code(error: Any) -> str | None:
    """Return the innermost error code of the vault, since Forbidden alone does not name the cause."""
    details: Any = getattr(error, "error", None)
    inner = getattr(details, "innererror", None)
    code = (inner.get("code") if isinstance(inner, dict) else None) or getattr(details, "code", None)
    return code if isinstance(code, str) and re.fullmatch(r"\w{1,60}", code) else None


def _retry_after(error: Any) -> float | None:
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(asked) if re.fullmatch(r"\d{1,5}", asked) else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """The client of a vault. Secrets are read one at a time, because each read first requests a token."""

    client: "SecretClient"
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, Identity], _Reader]] = (
    WeakKeyDictionary()
)


def _reader(vault_url: str, identity: Identity) -> _Reader:
    with requiring("a Key Vault reference that the platform has not resolved", "identity"):
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
