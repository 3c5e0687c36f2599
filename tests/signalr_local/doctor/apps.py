"""An app of the doctor's own, on disk and as Azure lists it, which has no fault until a test makes one."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalr_local.doctor.examination import examine
from signalr_local.doctor.files import AppSettings, Papers, Role, ServiceDescription, parse_functions
from signalr_local.doctor.findings import Finding

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
NAME = "AzureSignalRConnectionString"
HOST = "app.azurewebsites.net"

APP = """
import azure.functions as func

app = func.FunctionApp()


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="talk")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")


@app.generic_trigger("invocation", type="signalRTrigger", hub_name="talk", category="messages", event="echo")
def echo(invocation: str) -> str:
    return invocation
"""

HOST_JSON = {
    "version": "2.0",
    "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
}


@dataclass
class Folder:
    """An app's folder, edited by tests."""

    path: Path
    connection_string: str

    def read(self, name: str) -> Any:
        return json.loads((self.path / name).read_text())

    def write(self, name: str, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.path / name).write_text(text)

    def edit(self, name: str, *section: str, **members: object) -> None:
        """Set members of a JSON file, or of an object in it; None removes one."""
        content = self.read(name)
        inner = content
        for key in section:
            inner = inner.setdefault(key, {})
        for key, value in members.items():
            if value is None:
                inner.pop(key, None)
            else:
                inner[key] = value
        self.write(name, content)

    def value(self, **members: object) -> None:
        """Set members of Values."""
        self.edit("local.settings.json", "Values", **members)

    async def examine(self) -> list[Finding]:
        return [finding async for finding in examine(self.path, Papers.read(self.path))]


@dataclass
class Deployed:
    """A deployed app as az describes it, changed by tests and by the commands that a fix prints."""

    settings: dict[str, str]
    cors: dict[str, Any]
    service: dict[str, Any]
    functions: list[dict[str, Any]]
    roles: list[dict[str, str]] = field(default_factory=list)

    @property
    def rule(self) -> dict[str, Any]:
        """The first upstream rule."""
        rule: dict[str, Any] = self.service["upstream"]["templates"][0]
        return rule

    async def examine(self) -> list[Finding]:
        papers = Papers(
            AppSettings.parse(dict(self.settings), self.cors, is_flex=True),
            ServiceDescription.parse(self.service),
            Role.parse(self.roles),
            functions=parse_functions(self.functions),
            route_prefix="api",
            host_names=(HOST,),
        )
        return [finding async for finding in examine(Path(), papers)]


def listed(name: str, *bindings: dict[str, Any]) -> dict[str, Any]:
    """Return a function as ``az functionapp function list`` prints it."""
    route = bindings[0].get("route")
    return {
        "name": f"app/{name}",
        "config": {"name": name, "bindings": list(bindings)},
        "invokeUrlTemplate": f"https://{HOST}/api/{route}" if route else None,
    }
