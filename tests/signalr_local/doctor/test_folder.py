"""What the doctor makes of an app in a folder, beside the faults that have a fix."""

import pytest

from signalr_local.doctor.findings import State
from tests.signalr_local.doctor.apps import APP, KEY, NAME, Folder
from tests.signalr_local.doctor.test_local_faults import BUNDLE, REST, SETTINGS, problems

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_app_that_shows_its_settings_when_it_fails_is_not_quoted(folder: Folder) -> None:
    folder.value(Mine=f"Endpoint=https://x.service.signalr.net;AccessKey={KEY[::-1]};Version=1.0;")
    folder.write("function_app.py", "import os\nraise RuntimeError(os.environ['Mine'])")
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert found.seen == "it cannot be loaded: RuntimeError: … (function_app.py, line 2)"
    folder.write("function_app.py", f"raise RuntimeError('got AccessKey={KEY};Version')")
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert (
        found.seen == "it cannot be loaded: RuntimeError: got AccessKey=…;Version (function_app.py, line 1)"
    )


async def test_a_wrong_connection_string_is_not_quoted(folder: Folder) -> None:
    wrong = f"Endpoint=https://x.service.signalr.net;AccessKey={KEY};AccessKey={KEY};Version=1.0;"
    folder.value(**{NAME: wrong})
    findings = await folder.examine()
    assert problems(findings) == [("connections.settings", State.WRONG)]
    assert KEY not in "".join(map(str, findings))


async def test_an_app_that_never_ends_loading_is_given_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalr_local.doctor.app_checks._PATIENCE", 0.5)
    folder.write("function_app.py", "import threading\nthreading.Event().wait()")
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert found.seen.startswith("it cannot be loaded: it was not loaded within ")
    assert found.fix == "do what waits there when it is first needed, in a function"


async def test_the_environment_counts_as_it_does_when_the_app_runs(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.value(**{NAME: ""})
    monkeypatch.setenv(NAME, folder.connection_string)
    assert problems(await folder.examine()) == []


async def test_settings_of_the_environment_need_no_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**REST, NAME: folder.connection_string}.items():
        monkeypatch.setenv(name, value)
    (folder.path / SETTINGS).unlink()
    assert problems(await folder.examine()) == []


async def test_an_emulator_that_does_not_run_is_no_fault_of_the_app(
    folder: Folder, unused_tcp_port: int
) -> None:
    folder.value(**{NAME: f"Endpoint=http://localhost:{unused_tcp_port};AccessKey={KEY};Version=1.0;"})
    findings = await folder.examine()
    assert problems(findings) == []
    [found] = [item for item in findings if item.rule == "connections.emulator-down"]
    assert found.state is State.NOTE
    assert found.seen.startswith(f"nothing answers at http://localhost:{unused_tcp_port};")


async def test_several_endpoints_need_the_setting_for_them(folder: Folder) -> None:
    folder.value(Azure__SignalR__Endpoints__b=folder.connection_string)
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert "bindings take only with the app setting AzureSignalRServiceTransportType=Persistent" in found.seen
    folder.value(AzureSignalRServiceTransportType="Persistent")
    findings = await folder.examine()
    assert problems(findings) == []
    assert len([item for item in findings if "works with an access key" in item.seen]) == 2


async def test_an_identity_that_is_not_accepted_is_found_with_what_to_grant(
    folder: Folder, unused_tcp_port: int
) -> None:
    folder.value(**{NAME: None, f"{NAME}__serviceUri": f"https://localhost:{unused_tcp_port}"})
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert found.fix == "grant the identity the role SignalR Service Owner on the resource"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_files_in_every_encoding_that_the_host_reads_are_well(folder: Folder, encoding: str) -> None:
    for name in ("host.json", SETTINGS):
        path = folder.path / name
        path.write_bytes(f"// how it is\n{path.read_text()}".encode(encoding))
    assert problems(await folder.examine()) == []


async def test_keys_of_host_json_are_read_in_any_case(folder: Folder) -> None:
    bundle = {"Id": BUNDLE["id"], "Version": "[4.*, 5.0.0)"}
    folder.write("host.json", {"version": "2.0", "ExtensionBundle": bundle, "Http": {"RoutePrefix": "x"}})
    assert [rule for rule, _ in problems(await folder.examine())] == ["host-json.route-prefix"]
    folder.write("host.json", {"Version": "2.0", "extensionBundle": bundle})
    assert [rule for rule, _ in problems(await folder.examine())] == ["host-json.version"]


async def test_an_app_that_prints_garbage_while_it_is_imported_is_well(folder: Folder) -> None:
    noise = "import os\nos.write(1, bytes(range(256)) * 64)\nprint('{[' * 1000)\n"
    folder.write("function_app.py", noise + APP)
    assert problems(await folder.examine()) == []
