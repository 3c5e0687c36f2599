"""References to Key Vault in local.settings.json."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from signalr_local import secrets
from signalr_local.secrets import resolve_references
from tests.serverless_signalr.azure_fakes.cloud import Cloud

SETTING = "AzureSignalRConnectionString"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
VALUE = (
    "Endpoint=http://localhost;Port=8888;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
)


async def test_a_reference_is_replaced_by_its_secret_and_other_settings_stay(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    assert await resolve_references({SETTING: REFERENCE, "OTHER": "x"}) == {SETTING: VALUE, "OTHER": "x"}


async def test_settings_without_a_reference_ask_no_vault(cloud: Cloud) -> None:
    await resolve_references({SETTING: VALUE})
    assert cloud.vault.requests == []


async def test_a_secret_that_is_not_there_is_named_with_its_setting(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match=f"the secret signalr in the vault .*{SETTING}"):
        await resolve_references({SETTING: REFERENCE})


async def test_a_malformed_reference_is_named_with_its_setting() -> None:
    with pytest.raises(ValueError, match=f"^The setting {SETTING} is wrong: "):
        await resolve_references({SETTING: "@Microsoft.KeyVault(oops)"})


def write_settings(folder: Path, **values: str) -> None:
    (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_command_runs_in_the_app_s_folder_and_gives_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, OTHER="x")
    code = "import os, sys; open('ran', 'w').close(); sys.exit(3)"
    monkeypatch.setattr(sys, "argv", ["secrets", "--app", str(tmp_path), sys.executable, "-c", code])
    assert secrets.main() == 3
    assert (tmp_path / "ran").exists()


async def test_a_command_finds_the_secrets_in_its_environment_and_nothing_is_written(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.vault.put("signalr", VALUE)
    write_settings(tmp_path, **{SETTING: REFERENCE})
    before = contents(tmp_path)
    code = f"import os, sys; sys.exit(7 if os.environ[{SETTING!r}] == {VALUE!r} else 1)"
    monkeypatch.setattr(sys, "argv", ["secrets", "--app", str(tmp_path), sys.executable, "-c", code])
    assert await asyncio.to_thread(secrets.main) == 7
    assert contents(tmp_path) == before


async def test_a_reference_that_the_environment_overrides_is_not_read(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "from the environment")
    write_settings(tmp_path, **{SETTING: REFERENCE})
    code = f"import os, sys; sys.exit(7 if os.environ[{SETTING!r}] == 'from the environment' else 1)"
    monkeypatch.setattr(sys, "argv", ["secrets", "--app", str(tmp_path), sys.executable, "-c", code])
    assert await asyncio.to_thread(secrets.main) == 7
    assert cloud.vault.requests == []


@pytest.mark.parametrize("arguments", [["{app}", "no-such-command"], ["{app}/nowhere", "true"]])
def test_what_is_not_there_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    write_settings(tmp_path, OTHER="x")
    given = [argument.format(app=tmp_path) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["secrets", "--app", *given])
    assert secrets.main() == 1
    told = capsys.readouterr().err
    assert "No such file or directory" in told
    assert told.count("\n") == 1


def test_a_reference_that_cannot_be_read_runs_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(tmp_path, **{SETTING: "@Microsoft.KeyVault(oops)"})
    monkeypatch.setattr(sys, "argv", ["secrets", "--app", str(tmp_path), sys.executable, "-c", "1"])
    assert secrets.main() == 1
    assert f"The setting {SETTING} is wrong" in capsys.readouterr().err
