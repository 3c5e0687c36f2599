"""Every fault of a deployed app, with the rule that finds it and how to follow the fix that is printed.

A fix that prints a command of az is followed by running that command against the description of the app.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serverless_signalr.connection import forget
from signalr_local.doctor.findings import State
from tests.serverless_signalr.azure_fakes.cloud import forbidden
from tests.signalr_local.doctor.apps import HOST, KEY, NAME, listed
from tests.signalr_local.doctor.world import WEBHOOK, World

SCOPE = "/subscriptions/s/resourceGroups/rg-chat/providers/Microsoft.SignalRService/SignalR/chat"
OWNER = {
    "roleDefinitionId": "/subscriptions/s/roleDefinitions/7e4f1700-ea5a-4f59-8f37-079cfe29dce3",
    "scope": SCOPE,
}
SECRETS_USER = {
    "roleDefinitionId": "/subscriptions/s/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6",
    "scope": "/subscriptions/s/resourceGroups/rg-chat/providers/Microsoft.KeyVault/vaults/main",
}
HTTP_UPSTREAM = listed(
    "receive",
    {
        "type": "httpTrigger",
        "name": "req",
        "direction": "in",
        "route": "upstream",
        "methods": ["POST"],
        "authLevel": "anonymous",
    },
)
GOOD = {
    NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;",
    "AzureWebJobsStorage__blobServiceUri": "https://store.blob.core.windows.net",
    "AzureWebJobsStorage__credential": "managedidentity",
}
CATCH_ALL = listed("aaa", {"type": "httpTrigger", "name": "req", "direction": "in", "route": "{*rest}"})


type Change = Callable[[World], None]


@dataclass(frozen=True)
class Fault:
    """How to make a fault, the rule that finds it, words of the fix, and how to follow it."""

    rule: str
    make: Change
    fix: str
    apply: Callable[[World, str], object]
    state: State = State.WRONG


def both(*changes: Change) -> Change:
    def change(world: World) -> None:
        for one in changes:
            one(world)

    return change


def rule(**members: object) -> Change:
    return lambda world: world.app.rule.update(members)


def settings(**members: str | None) -> Change:
    def change(world: World) -> None:
        for name, value in members.items():
            if value is None:
                world.app.settings.pop(name, None)
            else:
                world.app.settings[name] = value

    return change


def set_url(world: World, fix: str) -> None:
    """Follow a fix that prints the URL of a rule."""
    printed = re.search(r"https://\S+?code=KEY", fix)
    assert printed is not None, fix
    world.app.rule["urlTemplate"] = (
        printed[0].replace("APP.azurewebsites.net", HOST).replace("KEY", world.site.key)
    )


def set_code(world: World, fix: str) -> None:
    assert "set code to the system key signalr_extension" in fix
    base = str(world.app.rule["urlTemplate"]).partition("?")[0]
    world.app.rule["urlTemplate"] = f"{base}?code={world.site.key}"


def remove_named(world: World, _: str) -> None:
    world.app.settings.pop("TZ")


def cors(*origins: str, credentials: bool = True) -> Change:
    def change(world: World) -> None:
        world.app.cors.update(allowedOrigins=list(origins), supportCredentials=credentials)

    return change


def service_cors(*origins: str) -> Change:
    return lambda world: world.app.service["cors"].update(allowedOrigins=list(origins))


def replace_origin(world: World, fix: str) -> None:
    right = fix.removeprefix("replace it by ")
    world.app.cors["allowedOrigins"] = [right]
    world.app.service["cors"]["allowedOrigins"] = [right]


def list_origins(world: World, fix: str) -> None:
    assert fix.startswith("list the origins of your pages in place of *")
    world.app.cors["allowedOrigins"] = ["https://a.example"]
    if "az functionapp cors credentials" in fix:
        world.az(fix)


def binding(world: World, function: str, type_: str) -> Any:
    [found] = [
        item
        for one in world.app.functions
        if one["config"]["name"] == function
        for item in one["config"]["bindings"]
        if item["type"] == type_
    ]
    return found


def user_id(expression: str) -> Change:
    return lambda world: binding(world, "negotiate", "signalRConnectionInfo").update(userId=expression)


def take_the_role(world: World, _: str) -> None:
    world.cloud.service.may_sign = True
    # A process keeps a refusal for a while, and the doctor is another one each time.
    forget()


def no_functions(world: World) -> None:
    world.app.functions.clear()


def http_upstream(world: World) -> None:
    world.app.functions.append(HTTP_UPSTREAM)
    world.site.routes["/api/upstream"] = 401
    world.app.rule["urlTemplate"] = f"https://{HOST}/api/upstream"


FAULTS = {
    "no settings": Fault(
        "settings.given",
        lambda world: world.app.settings.clear(),
        "provide the complete output of az functionapp config appsettings list",
        lambda world, _: settings(**GOOD)(world),
    ),
    "a setting that Flex Consumption refuses": Fault(
        "settings.flex", settings(TZ="UTC"), "remove it", remove_named, State.WARNING
    ),
    "no storage": Fault(
        "settings.storage",
        settings(AzureWebJobsStorage__blobServiceUri=None, AzureWebJobsStorage__credential=None),
        "add AzureWebJobsStorage__blobServiceUri and AzureWebJobsStorage__credential",
        lambda world, _: settings(
            AzureWebJobsStorage__blobServiceUri="https://s", AzureWebJobsStorage__credential="managedidentity"
        )(world),
    ),
    "storage by key and by identity": Fault(
        "settings.storage-twice",
        settings(AzureWebJobsStorage=""),
        "remove AzureWebJobsStorage and keep AzureWebJobsStorage__…",
        lambda world, _: settings(AzureWebJobsStorage=None)(world),
        State.WARNING,
    ),
    "a user id that callers choose": Fault(
        "functions.user-id",
        user_id("{query.user}"),
        "use {headers.x-ms-client-principal-id} with App Service Authentication",
        lambda world, _: (
            user_id("{headers.x-ms-client-principal-id}")(world),
            settings(WEBSITE_AUTH_ENABLED="true")(world),
        ),
        State.WARNING,
    ),
    "a user id that callers choose, by a setting": Fault(
        "functions.user-id",
        both(user_id("%WHO%"), settings(WHO="{headers.x-user}")),
        "or no user id",
        lambda world, _: settings(WHO="")(world),
        State.WARNING,
    ),
    "a user id from a header without authentication": Fault(
        "functions.authentication",
        user_id("{headers.x-ms-client-principal-id}"),
        "set WEBSITE_AUTH_ENABLED=true",
        lambda world, _: settings(WEBSITE_AUTH_ENABLED="true")(world),
        State.WARNING,
    ),
    "no functions": Fault(
        "functions.none",
        no_functions,
        "register the blueprints in function_app.py",
        lambda world, _: world.app.functions.append(HTTP_UPSTREAM),
    ),
    "hub of an input": Fault(
        "functions.hub-name",
        lambda world: binding(world, "negotiate", "signalRConnectionInfo").update(hubName="my-talk"),
        "set hub to a name of letters, digits and underscores",
        lambda world, _: binding(world, "negotiate", "signalRConnectionInfo").update(hubName="talk"),
    ),
    "hidden route": Fault(
        "functions.hidden-route",
        lambda world: world.app.functions.append(CATCH_ALL),
        "give negotiate a name that sorts before aaa",
        lambda world, _: world.app.functions[0].update(name="app/a_negotiate"),
    ),
    "an emulator": Fault(
        "connections.emulator",
        settings(**{NAME: f"Endpoint=http://localhost:8888;AccessKey={KEY};Version=1.0;"}),
        "set it to the connection string of the service in Azure",
        lambda world, _: settings(
            **{NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"}
        )(world),
    ),
    "another key than the service's": Fault(
        "connections.service",
        settings(**{NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY[::-1]};Version=1.0;"}),
        "az signalr key list --query primaryConnectionString",
        lambda world, _: settings(
            **{NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"}
        )(world),
    ),
    "a malformed reference": Fault(
        "connections.reference",
        settings(**{NAME: "@Microsoft.KeyVault(VaultName=main)"}),
        "write it as @Microsoft.KeyVault(VaultName=NAME;SecretName=NAME)",
        lambda world, _: settings(
            **{NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"}
        )(world),
    ),
    "no connection": Fault(
        "connections.settings",
        settings(**{NAME: None}),
        "docs/connections.md has every form",
        lambda world, _: settings(
            **{NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"}
        )(world),
    ),
    "an empty setting that hides the identity": Fault(
        "connections.empty",
        both(
            settings(**{NAME: "", f"{NAME}__serviceUri": "https://chat.service.signalr.net"}),
            lambda world: world.app.roles.append(OWNER),
        ),
        "remove it",
        lambda world, _: settings(**{NAME: None})(world),
        State.WARNING,
    ),
    "a vault that is closed to you": Fault(
        "connections.secret-as-you",
        both(
            settings(**{NAME: "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}),
            lambda world: world.app.roles.append(SECRETS_USER),
            lambda world: world.cloud.vault.fail(403, forbidden("ForbiddenByRbac")),
        ),
        "sign in with az login as somebody who has the role Key Vault Secrets User",
        lambda world, _: world.cloud.vault.recover(),
        State.WARNING,
    ),
    "a service that is closed to your network": Fault(
        "connections.as-you",
        lambda world: world.cloud.down.add("chat.service.signalr.net"),
        "run the doctor in a network that the service lets in",
        lambda world, _: world.cloud.down.clear(),
        State.WARNING,
    ),
    "a service on which you have no role": Fault(
        "connections.as-you",
        both(
            settings(**{NAME: None, f"{NAME}__serviceUri": "https://chat.service.signalr.net"}),
            lambda world: world.app.roles.append(OWNER),
            lambda world: setattr(world.cloud.service, "may_sign", False),
        ),
        "sign in with az login as somebody who has the role SignalR Service Owner",
        take_the_role,
        State.WARNING,
    ),
    "no role on the service": Fault(
        "roles.service",
        settings(**{NAME: None, f"{NAME}__serviceUri": "https://chat.service.signalr.net"}),
        "grant it the role SignalR Service Owner on the resource",
        lambda world, _: world.app.roles.append(OWNER),
    ),
    "no role on the vault": Fault(
        "roles.vault",
        settings(**{NAME: "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}),
        "grant it the role Key Vault Secrets User on the vault",
        lambda world, _: world.app.roles.append(SECRETS_USER),
    ),
    "service mode": Fault(
        "service.mode",
        lambda world: world.app.service.update(features=[{"flag": "ServiceMode", "value": "Default"}]),
        "az signalr update --name chat --resource-group rg-chat --service-mode Serverless",
        lambda world, fix: world.az(fix),
    ),
    "no rules": Fault(
        "upstream.none",
        lambda world: world.app.service.update(upstream=None),
        "az signalr upstream update --name chat --resource-group rg-chat --template",
        lambda world, fix: world.az(fix),
        State.WARNING,
    ),
    "a rule for another hub": Fault(
        "upstream.unmatched",
        rule(hubPattern="other"),
        "set the patterns of a rule to *",
        lambda world, _: rule(hubPattern="*")(world),
    ),
    "a rule with the hub in capitals": Fault(
        "upstream.unmatched",
        rule(hubPattern="Talk"),
        "or to these names, in this spelling",
        lambda world, _: rule(hubPattern="talk")(world),
    ),
    "no URL": Fault("upstream.url", rule(urlTemplate="/api"), "set the URL to https://", set_url),
    "a broken URL": Fault(
        "upstream.url", rule(urlTemplate="https://[x/"), "set the URL to https://", set_url
    ),
    "localhost": Fault(
        "upstream.local",
        rule(urlTemplate=f"http://localhost:7071{WEBHOOK}"),
        "set the URL to https://",
        set_url,
    ),
    "a private address": Fault(
        "upstream.local",
        rule(urlTemplate=f"https://10.0.0.4{WEBHOOK}?code=x"),
        "set the URL to https://",
        set_url,
    ),
    "http": Fault(
        "upstream.https",
        rule(urlTemplate=f"http://{HOST}{WEBHOOK}?code=the-key"),
        "start the URL with https",
        lambda world, _: rule(urlTemplate=f"https://{HOST}{WEBHOOK}?code=the-key")(world),
    ),
    "another app": Fault(
        "upstream.host",
        rule(urlTemplate=f"https://other.azurewebsites.net{WEBHOOK}?code=the-key"),
        f"set the host of the URL to {HOST}",
        lambda world, _: rule(urlTemplate=f"https://{HOST}{WEBHOOK}?code=the-key")(world),
        State.WARNING,
    ),
    "the key in the path": Fault(
        "upstream.path",
        rule(urlTemplate=f"https://{HOST}{WEBHOOK}&code=the-key"),
        f"end the URL in {WEBHOOK}?code=KEY",
        lambda world, _: rule(urlTemplate=f"https://{HOST}{WEBHOOK}?code=the-key")(world),
    ),
    "no code": Fault(
        "upstream.code",
        rule(urlTemplate=f"https://{HOST}{WEBHOOK}"),
        "append ?code=KEY to the URL",
        set_code,
    ),
    "an identity in place of the code": Fault(
        "upstream.code",
        rule(urlTemplate=f"https://{HOST}{WEBHOOK}", auth={"type": "ManagedIdentity"}),
        "append ?code=KEY to the URL",
        set_code,
    ),
    "an old code": Fault(
        "upstream.code",
        lambda world: setattr(world.site, "key", "new-key"),
        "set code to the system key",
        set_code,
    ),
    "a route that the app does not have": Fault(
        "upstream.route", rule(urlTemplate=f"https://{HOST}/api/nowhere"), "set the URL to https://", set_url
    ),
    "authentication on the webhook": Fault(
        "upstream.forbidden",
        lambda world: world.site.fail(302, headers={"Location": "https://login.microsoftonline.com/"}),
        f"exclude {WEBHOOK} from App Service Authentication",
        lambda world, _: world.site.recover(),
    ),
    "a token wanted on the webhook": Fault(
        "upstream.forbidden",
        lambda world: world.site.fail(401, headers={"WWW-Authenticate": "Bearer realm=app"}),
        f"exclude {WEBHOOK} from App Service Authentication",
        lambda world, _: world.site.recover(),
    ),
    "an access restriction on the webhook": Fault(
        "upstream.restricted",
        lambda world: world.site.fail(403),
        "allow that tag, and exclude the path from App Service Authentication",
        lambda world, _: world.site.recover(),
        State.WARNING,
    ),
    "the webhook's 404 on Flex Consumption": Fault(
        "upstream.flex",
        lambda world: world.site.routes.update({WEBHOOK: 404}),
        "azd env set SIGNALR_UPSTREAM http",
        lambda world, _: http_upstream(world),
    ),
    "a host that does not answer": Fault(
        "upstream.unreachable",
        lambda world: world.site.break_off(),
        "start the function app",
        lambda world, _: world.site.recover(),
        State.WARNING,
    ),
    "a host that is starting": Fault(
        "upstream.answer",
        lambda world: world.site.fail(503),
        "look for errors in the app's log",
        lambda world, _: world.site.recover(),
        State.WARNING,
    ),
    "an HTTP function that is not the upstream": Fault(
        "upstream.answer",
        both(http_upstream, lambda world: world.site.routes.update({"/api/upstream": 200})),
        "send events to a function that add_signalr_upstream()",
        lambda world, _: world.site.routes.update({"/api/upstream": 401}),
        State.WARNING,
    ),
    "every origin": Fault(
        "cors.all",
        cors("*", credentials=False),
        "and run az functionapp cors credentials --enable true",
        list_origins,
    ),
    "every origin, with credentials": Fault(
        "cors.all", cors("*"), "list the origins of your pages in place of *", list_origins
    ),
    "origins without credentials": Fault(
        "cors.credentials",
        cors("https://a.example", credentials=False),
        "run az functionapp cors credentials --enable true",
        lambda world, fix: world.az(fix),
    ),
    "an origin that no browser sends": Fault(
        "cors.origin", cors("https://a.example/"), "replace it by https://a.example", replace_origin
    ),
    "every origin at the service": Fault(
        "cors.service-all",
        service_cors("https://a.example", "*"),
        "az signalr cors remove --allowed-origins '*'",
        lambda world, fix: world.az(fix),
        State.WARNING,
    ),
    "an origin that may not connect": Fault(
        "cors.service",
        service_cors("https://b.example"),
        "az signalr cors add --allowed-origins https://a.example",
        lambda world, fix: world.az(fix),
        State.WARNING,
    ),
}
