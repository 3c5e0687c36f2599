"""The Microsoft Entra ID identity of the app.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
and https://learn.microsoft.com/azure/azure-signalr/concept-connection-string.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from serverless_signalr.errors import ConnectionStringError

__all__ = ["Identity", "IdentityKind", "check_ids"]

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class IdentityKind(StrEnum):
    """The source of an identity's tokens."""

    DEFAULT = "default"
    MANAGED = "managed"
    WORKLOAD = "workload"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Identity:
    """A Microsoft Entra ID identity; its text form describes it for messages such as role advice.

    ``client_id`` selects a user-assigned managed identity; ``resource_id`` selects it by Azure resource id.
    An application has a tenant, and a secret or the path of a certificate.
    """

    kind: IdentityKind = IdentityKind.DEFAULT
    client_id: str | None = None
    tenant_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    certificate: str | None = None
    resource_id: str | None = None

    @classmethod
    def from_settings(cls, section: str, members: Mapping[str, str]) -> Self:
        """Read ``<section>__credential`` and its siblings, as the Functions host reads them.

        ``members`` maps their lower-case names to values. Without ``credential``, the three settings of an
        application select that application; anything else selects DefaultAzureCredential. Raise
        ConnectionStringError, which names the setting, for an invalid combination.
        """
        client_id, tenant_id = members.get("clientid"), members.get("tenantid")
        secret, resource_id = members.get("clientsecret"), members.get("managedidentityresourceid")
        check_ids(
            f"the app setting {section}__clientId",
            client_id,
            f"the app setting {section}__tenantId",
            tenant_id,
        )
        if resource_id is not None and not resource_id.startswith("/subscriptions/"):
            raise ConnectionStringError(
                f"the app setting {section}__managedIdentityResourceId is invalid, expected /subscriptions/…"
            )
        match members.get("credential", "").lower():
            case "managedidentity":
                if client_id and resource_id:
                    raise ConnectionStringError(
                        f"the app settings {section}__clientId and {section}__managedIdentityResourceId are "
                        "both set, and each names a managed identity: remove one of the two"
                    )
                return cls(IdentityKind.MANAGED, client_id, resource_id=resource_id)
            case "workloadidentity":
                return cls(IdentityKind.WORKLOAD, client_id, tenant_id)
            case "":
                pass
            case _:
                raise ConnectionStringError(
                    f"the app setting {section}__credential is invalid, expected managedidentity or "
                    "workloadidentity; remove it to use DefaultAzureCredential"
                )
        if secret is None:
            return cls(IdentityKind.DEFAULT, client_id, tenant_id)
        missing = [
            f"{section}__{name}"
            for name, value in (("clientId", client_id), ("tenantId", tenant_id))
            if value is None
        ]
        if missing:
            raise ConnectionStringError(
                f"the app setting {section}__clientSecret is set without {' and '.join(missing)}: "
                "an Entra ID application needs all three"
            )
        return cls(IdentityKind.APPLICATION, client_id, tenant_id, secret)

    def __str__(self) -> str:
        match self.kind:
            case IdentityKind.MANAGED:
                named = self.client_id or self.resource_id
                return f"the managed identity {named}" if named else "the system-assigned managed identity"
            case IdentityKind.WORKLOAD:
                return (
                    f"the workload identity {self.client_id or os.environ.get('AZURE_CLIENT_ID', '')}".strip()
                )
            case IdentityKind.APPLICATION:
                return f"the application {self.client_id} of the tenant {self.tenant_id}"
            case _:
                return " ".join(f"the identity {self._chosen()} that DefaultAzureCredential finds".split())

    def _chosen(self) -> str:
        """Return the client id, or else AZURE_CLIENT_ID, which azure-identity falls back to."""
        found = self.client_id or os.environ.get("AZURE_CLIENT_ID", "")
        # AZURE_CLIENT_ID is not validated: a secret pasted there by mistake must not reach a log.
        return found if _GUID.fullmatch(found) else ""


def check_ids(client_label: str, client_id: str | None, tenant_label: str, tenant_id: str | None) -> None:
    """Raise ConnectionStringError for malformed ids, since messages show ids."""
    if client_id is not None and not _GUID.fullmatch(client_id):
        raise ConnectionStringError(
            f"{client_label} is invalid, expected the client id of an identity (a GUID)"
        )
    if tenant_id is not None and not (_GUID.fullmatch(tenant_id) or _DOMAIN.fullmatch(tenant_id)):
        raise ConnectionStringError(f"{tenant_label} is invalid, expected a GUID or a domain of the tenant")
