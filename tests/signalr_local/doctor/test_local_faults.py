"""Every fault of an app in a folder: it is found once, and following the fix that is printed ends it."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from signalr_local.doctor.findings import Finding, State
from tests.signalr_local.doctor.apps import APP, HOST_JSON, KEY, NAME, Folder

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[2.*, 3.0.0)"}
SETTINGS = "local.settings.json"
REST = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsSecretStorageType": "files"}


def set_members(file: str, *section: str) -> Callable[[Folder, str], None]:
    """Follow a fix that prints members of a JSON object: ``set "a": 1``, ``add "a": 1 to Values``."""

    def apply(folder: Folder, fix: str) -> None:
        printed = re.search(r'"[\w.]+": ("[^"]*"|\{.*\}|true)', fix)
        assert printed is not None, fix
        folder.edit(file, *section, **json.loads(f"{{{printed[0]}}}"))

    return apply


def whole(file: str) -> Callable[[Folder, str], None]:
    """Follow a fix that prints the content of a file."""
    return lambda folder, fix: folder.write(file, fix.partition("content: ")[2])


def code(old: str, new: str) -> Callable[..., None]:
    """Edit the app's code, as a fault or in the sense of a fix."""

    def apply(folder: Folder, _: str = "") -> None:
        text = (folder.path / "function_app.py").read_text()
        assert old in text
        folder.write("function_app.py", text.replace(old, new))

    return apply


def origins(folder: Folder, fix: str) -> None:
    """Follow a fix that prints origins."""
    folder.edit(SETTINGS, "Host", CORS=",".join(re.findall(r"https?://\S+", fix)))


def list_origins(folder: Folder, fix: str) -> None:
    assert fix.startswith("list the origins of your pages in place of *")
    folder.edit(SETTINGS, "Host", CORS="https://a.example")
    if "CORSCredentials" in fix:
        set_members(SETTINGS, "Host")(folder, fix)


def remove_setting(folder: Folder, fix: str) -> None:
    found = re.search(r"remove the app setting (\S+)", fix)
    assert found is not None, fix
    folder.value(**{found[1]: None})


def set_named(folder: Folder, fix: str, value: str) -> None:
    found = re.search(r"the app setting (\w+)", fix)
    assert found is not None, fix
    folder.value(**{found[1]: value})


def move_into_values(folder: Folder, fix: str) -> None:
    assert fix == "move them into Values"
    content = folder.read(SETTINGS)
    moved = {key: content.pop(key) for key in list(content) if key not in ("IsEncrypted", "Values", "Host")}
    folder.write(SETTINGS, {**content, "Values": {**content.get("Values", {}), **moved}})


def outside(folder: Folder) -> None:
    content = folder.read(SETTINGS)
    folder.write(SETTINGS, {**content.pop("Values"), **content})


def emulator_string(folder: Folder, fix: str) -> None:
    # The emulator of the tests has another port than the one in the fix.
    key = re.search(r"AccessKey=([^;]+)", fix)
    assert key is not None, fix
    seen = folder.read(SETTINGS)["Values"][NAME]
    folder.value(**{NAME: re.sub(r"AccessKey=[^;]+", f"AccessKey={key[1]}", seen)})


@dataclass(frozen=True)
class Fault:
    """How to make a fault, the rule that finds it, words of the fix, and how to follow it."""

    rule: str
    make: Callable[[Folder], object]
    fix: str
    apply: Callable[[Folder, str], object]
    state: State = State.WRONG


def host(**members: object) -> Callable[[Folder], None]:
    return lambda folder: folder.edit("host.json", **members)


def value(**members: object) -> Callable[[Folder], None]:
    return lambda folder: folder.value(**members)


def cors(text: str, *, credentials: bool = True) -> Callable[[Folder], None]:
    return lambda folder: folder.edit(SETTINGS, "Host", CORS=text, CORSCredentials=credentials)


def both(*changes: Callable[[Folder], None]) -> Callable[[Folder], None]:
    def change(folder: Folder) -> None:
        for one in changes:
            one(folder)

    return change


def make_a_folder(name: str) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        (folder.path / name).unlink()
        (folder.path / name).mkdir()

    return make


def file_again(folder: Folder, name: str, content: object) -> None:
    (folder.path / name).rmdir()
    folder.write(name, content)


def replace_http(folder: Folder, fix: str) -> None:
    folder.edit("host.json", http=None)
    set_members("host.json")(folder, fix.partition(" by ")[2])


CATCH_ALL = """

@app.route("{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
def aaa(req: func.HttpRequest) -> str:
    return ""
"""

SECOND = """

@app.generic_trigger("invocation", type="signalRTrigger", hub_name="talk", category="messages", event="ECHO")
def second(invocation: str) -> str:
    return invocation
"""

FAULTS = {
    "no host.json": Fault(
        "host-json.missing",
        lambda folder: (folder.path / "host.json").unlink(),
        "create it with this content: {",
        whole("host.json"),
    ),
    "host.json is a folder": Fault(
        "host-json.syntax",
        make_a_folder("host.json"),
        "make it a file that may be read",
        lambda folder, _: file_again(folder, "host.json", HOST_JSON),
    ),
    "host.json in another encoding": Fault(
        "host-json.syntax",
        lambda folder: (folder.path / "host.json").write_bytes('{"x": "é"}'.encode("latin-1")),
        "save it as UTF-8",
        lambda folder, _: folder.write("host.json", HOST_JSON),
    ),
    "a bundle of another name": Fault(
        "host-json.bundle",
        host(extensionBundle={"id": f"{BUNDLE['id']}x", "version": "[4.*, 5.0.0)"}),
        'set "extensionBundle"',
        set_members("host.json"),
    ),
    "host.json is no JSON": Fault(
        "host-json.syntax",
        lambda folder: folder.write("host.json", "{"),
        "correct the syntax",
        lambda folder, _: folder.write("host.json", HOST_JSON),
    ),
    "old host.json": Fault(
        "host-json.version", host(version="1.0"), 'set "version": "2.0"', set_members("host.json")
    ),
    "host.json without version": Fault(
        "host-json.version", host(version=None), 'set "version": "2.0"', set_members("host.json")
    ),
    "no bundle": Fault(
        "host-json.bundle", host(extensionBundle=None), 'set "extensionBundle"', set_members("host.json")
    ),
    "bundle without version": Fault(
        "host-json.bundle-version",
        host(extensionBundle={"id": BUNDLE["id"]}),
        'set "extensionBundle"',
        set_members("host.json"),
    ),
    "old bundle": Fault(
        "host-json.bundle-old",
        host(extensionBundle=BUNDLE),
        'set "extensionBundle"',
        set_members("host.json"),
        State.WARNING,
    ),
    "route prefix in the old place": Fault(
        "host-json.route-prefix",
        host(http={"routePrefix": "x"}),
        'replace "http" by "extensions": {"http": {"routePrefix": "x"}}',
        replace_http,
        State.WARNING,
    ),
    "settings are a folder": Fault(
        "settings.file",
        make_a_folder(SETTINGS),
        "correct the file",
        lambda folder, _: file_again(folder, SETTINGS, {"Values": {**REST, NAME: folder.connection_string}}),
    ),
    "settings are no JSON": Fault(
        "settings.file",
        lambda folder: folder.write(SETTINGS, "{"),
        "correct the file",
        lambda folder, _: folder.write(SETTINGS, {"Values": {**REST, NAME: folder.connection_string}}),
    ),
    "no settings": Fault(
        "settings.given",
        lambda folder: (folder.path / SETTINGS).unlink(),
        "give it this content: {",
        whole(SETTINGS),
    ),
    "no settings, but an example": Fault(
        "settings.given",
        lambda folder: (folder.path / SETTINGS).rename(folder.path / f"{SETTINGS}.example"),
        f"copy {SETTINGS}.example: cp {SETTINGS}.example {SETTINGS}",
        lambda folder, fix: subprocess.run(fix.partition(": ")[2].split(), cwd=folder.path, check=True),
    ),
    "no values": Fault(
        "settings.given",
        lambda folder: folder.edit(SETTINGS, Values=None),
        "give it this content: {",
        whole(SETTINGS),
    ),
    "settings outside Values": Fault("settings.beside", outside, "move them into Values", move_into_values),
    "node": Fault(
        "settings.runtime",
        value(FUNCTIONS_WORKER_RUNTIME="node"),
        "set it to python",
        lambda folder, _: folder.value(FUNCTIONS_WORKER_RUNTIME="python"),
    ),
    "no runtime": Fault(
        "settings.runtime",
        value(FUNCTIONS_WORKER_RUNTIME=None),
        'add "FUNCTIONS_WORKER_RUNTIME": "python" to Values',
        set_members(SETTINGS, "Values"),
        State.WARNING,
    ),
    "no place for secrets": Fault(
        "settings.local-secrets",
        value(AzureWebJobsSecretStorageType=None),
        'add "AzureWebJobsSecretStorageType": "files" to Values',
        set_members(SETTINGS, "Values"),
        State.WARNING,
    ),
    "the app does not load": Fault(
        "functions.load",
        lambda folder: folder.write("function_app.py", "raise RuntimeError('mine')"),
        "correct that",
        lambda folder, _: folder.write("function_app.py", APP),
    ),
    "no functions": Fault(
        "functions.none",
        lambda folder: folder.write(
            "function_app.py", "import azure.functions as func\napp = func.FunctionApp()"
        ),
        "register the blueprints in function_app.py",
        lambda folder, _: folder.write("function_app.py", APP),
    ),
    "binding name with an underscore": Fault(
        "functions.refused",
        both(code('"connection"', '"my_info"'), code("connection", "my_info")),
        "correct its decorators",
        code("my_info", "connection"),
    ),
    "a route with a leading slash": Fault(
        "functions.whole-app",
        code('@app.route("negotiate"', '@app.route("/negotiate"'),
        "correct what it names",
        code('@app.route("/negotiate"', '@app.route("negotiate"'),
    ),
    "an unknown constraint": Fault(
        "functions.whole-app",
        code('@app.route("negotiate"', '@app.route("negotiate/{x:nosuch}"'),
        "correct what it names",
        code('@app.route("negotiate/{x:nosuch}"', '@app.route("negotiate"'),
    ),
    "another category": Fault(
        "functions.whole-app",
        code('category="messages"', 'category="other"'),
        "correct what it names",
        code('category="other"', 'category="messages"'),
    ),
    "two functions for one event": Fault(
        "functions.whole-app",
        lambda folder: folder.write("function_app.py", APP + SECOND),
        "correct what it names",
        code('event="ECHO"', 'event="other"'),
    ),
    "a log level that does not exist": Fault(
        "host-json.value",
        host(logging={"logLevel": {"default": "Chatty"}}),
        "correct the value",
        lambda folder, _: folder.edit("host.json", logging=None),
    ),
    "disabled function": Fault(
        "functions.disabled",
        value(**{"AzureWebJobs.echo.Disabled": "true"}),
        "remove the app setting AzureWebJobs.echo.Disabled",
        remove_setting,
        State.WARNING,
    ),
    "hidden route": Fault(
        "functions.hidden-route",
        lambda folder: folder.write("function_app.py", APP + CATCH_ALL),
        '@bp.function_name("a_negotiate")',
        code('@app.route("negotiate"', '@app.function_name("a_negotiate")\n@app.route("negotiate"'),
    ),
    "unknown binding type": Fault(
        "functions.binding-type",
        code("signalRTrigger", "signalRTriger"),
        "correct the type",
        code("signalRTriger", "signalRTrigger"),
    ),
    "hub of an input": Fault(
        "functions.hub-name",
        code('Info", hub_name="talk"', 'Info", hub_name="my-talk"'),
        "set hub to a name of letters, digits and underscores",
        code("my-talk", "talk"),
    ),
    "hub of a trigger": Fault(
        "functions.hub-name",
        code('Trigger", hub_name="talk"', 'Trigger", hub_name="1talk"'),
        "set hub to a name of letters, digits and underscores",
        code("1talk", "talk"),
    ),
    "hub from a setting that is missing": Fault(
        "functions.hub-name",
        code('Info", hub_name="talk"', 'Info", hub_name="%HUB%"'),
        "add the app setting HUB",
        lambda folder, fix: set_named(folder, fix, "talk"),
    ),
    "hub from a setting that is wrong": Fault(
        "functions.hub-name",
        both(code('Info", hub_name="talk"', 'Info", hub_name="%HUB%"'), value(HUB="my talk")),
        "set the app setting HUB to a name of letters",
        lambda folder, fix: set_named(folder, fix, "talk"),
    ),
    "no connection string": Fault(
        "connections.settings",
        value(**{NAME: ""}),
        "correct the settings; docs/connections.md has every form",
        lambda folder, _: folder.value(**{NAME: folder.connection_string}),
    ),
    "another key than the emulator's": Fault(
        "connections.service",
        lambda folder: folder.value(**{NAME: folder.read(SETTINGS)["Values"][NAME].replace(KEY, KEY[::-1])}),
        "the emulator accepts this connection string: ",
        emulator_string,
    ),
    "every origin": Fault(
        "cors.all", cors("*", credentials=False), "list the origins of your pages in place of *", list_origins
    ),
    "every origin, with credentials": Fault(
        "cors.all", cors("*"), "list the origins of your pages in place of *", list_origins
    ),
    "origins without credentials": Fault(
        "cors.credentials",
        cors("https://a.example", credentials=False),
        'set "CORSCredentials": true in Host',
        set_members(SETTINGS, "Host"),
    ),
    "origin with a slash": Fault(
        "cors.origin", cors("https://a.example/"), "replace it by https://a.example", origins
    ),
    "origin with a path": Fault(
        "cors.origin", cors("https://a.example/page"), "replace it by https://a.example", origins
    ),
    "origin without a scheme": Fault(
        "cors.origin", cors("a.example"), "replace it by https://a.example", origins
    ),
    "origin with the default port": Fault(
        "cors.origin", cors("https://a.example:443"), "replace it by https://a.example", origins
    ),
    "origin in capitals": Fault(
        "cors.origin", cors("HTTPS://A.Example"), "replace it by https://a.example", origins
    ),
    "two origins in one": Fault(
        "cors.origin",
        cors("https://a.example https://b.example"),
        "make an entry of each: https://a.example and https://b.example",
        origins,
    ),
    "wildcard in an origin": Fault(
        "cors.origin",
        cors("https://*.a.example"),
        "list each origin in full",
        lambda folder, _: folder.edit(SETTINGS, "Host", CORS="https://www.a.example"),
    ),
}


def problems(findings: list[Finding]) -> list[tuple[str, State]]:
    return [(item.rule, item.state) for item in findings if item.is_problem]


async def test_an_app_without_a_fault_has_no_finding_that_needs_a_fix(folder: Folder) -> None:
    findings = await folder.examine()
    assert [str(item) for item in findings if item.state is not State.FINE] == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_found_once_and_its_fix_ends_it(folder: Folder, fault: Fault) -> None:
    fault.make(folder)
    findings = await folder.examine()
    assert problems(findings) == [(fault.rule, fault.state)], "\n".join(map(str, findings))
    [found] = [item for item in findings if item.is_problem]
    assert fault.fix in found.fix
    fault.apply(folder, found.fix)
    after = await folder.examine()
    assert problems(after) == [], "\n".join(map(str, after))
