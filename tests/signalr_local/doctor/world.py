"""A deployed app as az describes it, what answers at its address, and an az that changes the description."""

import re
import shlex
from dataclasses import dataclass, field

from aiohttp import web

from tests.serverless_signalr.azure_fakes.cloud import Cloud, Host
from tests.signalr_local.doctor.apps import Deployed

WEBHOOK = "/runtime/webhooks/signalr"


@dataclass
class FunctionApp(Host):
    """The function app in Azure, which answers requests to its webhook."""

    key: str = "the-key"
    routes: dict[str, int] = field(default_factory=dict)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in self.routes:
            return web.Response(status=self.routes[request.path])
        if request.path != WEBHOOK:
            return web.Response(status=404)
        if request.query.get("code") != self.key:
            return web.Response(status=401)
        is_event = request.content_type in ("application/json", "application/x-msgpack")
        return web.Response(status=200 if is_event else 415)


@dataclass
class World:
    """A deployed app, and what answers at its address."""

    app: Deployed
    site: FunctionApp
    cloud: Cloud

    def az(self, fix: str) -> None:
        """Run the command of az that a fix prints."""
        printed = re.search(r"az (functionapp|signalr) [^;]*?(?=, after|;|$)", fix)
        assert printed is not None, fix
        words = shlex.split(printed[0])[1:]
        names = [word for word in words if not word.startswith("--")]
        options = {word: words[position + 1 :] for position, word in enumerate(words) if word[:2] == "--"}
        match names[:3]:
            case ["signalr", "update", *_]:
                assert options["--name"][0] == "chat"
                self.app.service["features"] = [
                    {"flag": "ServiceMode", "value": options["--service-mode"][0]}
                ]
            case ["signalr", "cors", "add"]:
                self.app.service["cors"]["allowedOrigins"] += options["--allowed-origins"]
            case ["signalr", "cors", "remove"]:
                self.app.service["cors"]["allowedOrigins"].remove(options["--allowed-origins"][0])
            case ["functionapp", "cors", "credentials"]:
                self.app.cors["supportCredentials"] = options["--enable"][0] == "true"
            case ["signalr", "upstream", "update"]:
                given = dict(word.split("=", 1) for word in options["--template"])
                url = given["url-template"].replace("KEY", self.site.key)
                self.app.service["upstream"] = {"templates": [{"urlTemplate": url, "hubPattern": "*"}]}
            case other:
                raise AssertionError(other)
