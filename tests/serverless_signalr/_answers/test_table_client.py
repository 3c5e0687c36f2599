"""The storage account of the app settings: what is read, and what is refused without showing it."""

import pytest

from serverless_signalr._answers.table_client import check_table_name, open_table, read_storage
from serverless_signalr._answers.tables import TableAnswerStore
from serverless_signalr._identity import IdentityKind
from serverless_signalr.errors import ConnectionStringError

NAME = "AzureWebJobsStorage"


def test_identity_of_the_app_is_used_with_the_name_of_an_account() -> None:
    storage = read_storage(
        NAME, {f"{NAME}__accountName": "mystore", f"{NAME}__credential": "managedidentity"}
    )
    assert storage.url == "https://mystore.table.core.windows.net"
    assert storage.identity is not None
    assert storage.identity.kind is IdentityKind.MANAGED


def test_address_of_the_tables_wins_and_case_does_not_matter() -> None:
    storage = read_storage(
        NAME,
        {
            f"{NAME.upper()}__TABLESERVICEURI": "https://mystore.table.core.chinacloudapi.cn/",
            f"{NAME}__accountName": "x",
        },
    )
    assert storage.url == "https://mystore.table.core.chinacloudapi.cn"


def test_tables_are_found_beside_the_blobs_that_are_named() -> None:
    storage = read_storage(NAME, {f"{NAME}__blobServiceUri": "https://mystore.blob.core.windows.net/"})
    assert storage.url == "https://mystore.table.core.windows.net"


async def test_client_of_an_identity_is_opened_without_asking_anybody() -> None:
    storage = read_storage(NAME, {f"{NAME}__accountName": "mystore"})
    assert open_table(storage, "answers").url == "https://mystore.table.core.windows.net"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, f"the app setting {NAME} is missing"),
        ({NAME: " "}, f"the app setting {NAME} is missing"),
        ({f"{NAME}__accountName": "My_Store"}, f"the app setting {NAME}__accountName is wrong"),
        ({f"{NAME}__blobServiceUri": "https://blobs.example.com"}, f"the app setting {NAME} is missing"),
        ({f"{NAME}__tableServiceUri": "http://secret.example.com"}, "must start with https://"),
    ],
)
def test_wrong_settings_are_refused_when_the_app_loads(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message) as caught:
        TableAnswerStore(settings=settings)
    assert "secret" not in str(caught.value)


async def test_text_that_is_no_connection_string_is_not_shown() -> None:
    store = TableAnswerStore(settings={NAME: "AccountKey=secret"})
    with pytest.raises(ConnectionStringError, match=f"the app setting {NAME} is not") as caught:
        await store.read("a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "ab", "a-b", "1abc", "tables", "a" * 64])
def test_name_that_no_table_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the table is called"):
        check_table_name(name)
