"""The client of a table in Azure Table Storage, and the app settings that configure it.

The settings are read as the Functions host reads them. Source:
https://learn.microsoft.com/azure/azure-functions/functions-reference#connections.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from serverless_signalr._extras import requiring
from serverless_signalr._hosts import check_https
from serverless_signalr._identity import Identity
from serverless_signalr.errors import ConnectionStringError

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

__all__ = ["Storage", "check_table_name", "open_table", "read_storage"]

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_BLOB_HOST = re.compile(r"https://([a-z0-9]{3,24})\.blob\.([a-z0-9.]+)")
"""The blob address that the deployment template sets. The address of the tables follows from it."""
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage account, given by a connection string, or by the address of its tables and an identity."""

    setting: str
    text: str | None = field(default=None, repr=False)
    url: str | None = None
    identity: Identity | None = None


def check_table_name(name: str) -> str:
    """Return the name of a table. Raise ValueError if the service refuses it."""
    if not _TABLE.fullmatch(name) or name.lower() == "tables":
        raise ValueError(
            f"the table is called {name!r}, expected 3 to 63 letters and digits that begin with a letter"
        )
    return name


def read_storage(connection: str, settings: Mapping[str, str]) -> Storage:
    """Read a storage account from the app settings.

    Raise ConnectionStringError if the setting is missing or wrong. The error never shows its value.
    """
    if text := settings.get(connection, "").strip():
        return Storage(connection, text=text)
    prefix = f"{connection}__".lower()
    members = {
        name.lower().removeprefix(prefix): value.strip()
        for name, value in settings.items()
        if name.lower().startswith(prefix) and value.strip()
    }
    label = f"the app setting {connection}__tableServiceUri"
    if "tableserviceuri" in members:
        url = members["tableserviceuri"].rstrip("/")
        check_https(label, url)
    elif "accountname" in members:
        if not _ACCOUNT.fullmatch(members["accountname"]):
            raise ConnectionStringError(
                f"the app setting {connection}__accountName is wrong, expected the name of a storage account"
            )
        url = f"https://{members['accountname']}.table.core.windows.net"
    elif found := _BLOB_HOST.fullmatch(members.get("blobserviceuri", "").rstrip("/")):
        url = f"https://{found[1]}.table.{found[2]}"
    else:
        raise ConnectionStringError(
            f"the app setting {connection} is missing: set it to the connection string of a storage account, "
            f"or {connection}__accountName to its name for the app's identity"
        )
    return Storage(connection, url=url, identity=Identity.from_settings(connection, members))


def open_table(storage: Storage, name: str) -> "TableClient":
    """Return the client of a table.

    The client uses the sockets of the running event loop and need not be closed. Raise ModuleNotFoundError if
    azure-data-tables is not installed.
    """
    with requiring("TableAnswerStore", "answers"):
        from azure.data.tables.aio import TableClient

    from serverless_signalr._rest.pool import PoolTransport

    # At INFO, the default of azure-core, the Functions worker would log every request with its headers.
    options: dict[str, Any] = {"transport": PoolTransport(), "http_logging_level": logging.DEBUG}
    if storage.text is not None:
        try:
            return TableClient.from_connection_string(storage.text, name, **options)
        except ValueError:
            raise ConnectionStringError(
                f"the app setting {storage.setting} is not the connection string of a storage account"
            ) from None
    with requiring("TableAnswerStore with the app's identity", "identity"):
        from serverless_signalr._connection.credential import Credential

    credential: Any = Credential(storage.identity or Identity())
    return TableClient(str(storage.url), name, credential=credential, **options)
