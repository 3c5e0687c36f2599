"""The app settings: those that the platform refuses, and those on which triggers and users depend."""

from collections.abc import Iterator

from signalr_local.doctor.files import AppSettings
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.host.functions import Function
from signalr_local.host.settings import LOCAL_SETTINGS, Settings

__all__ = ["check_settings", "check_storage"]

_FLEX_REFUSES = frozenset(
    {
        "ENABLE_ORYX_BUILD",
        "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_PROCESS_COUNT",
        "FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_WORKER_RUNTIME_VERSION",
        "SCM_DO_BUILD_DURING_DEPLOYMENT",
        "TZ",
        "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
        "WEBSITE_CONTENTOVERVNET",
        "WEBSITE_CONTENTSHARE",
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_TIME_ZONE",
        "WEBSITE_VNET_ROUTE_ALL",
    }
)
_VERIFIED = ("{headers.x-ms-client-principal-id}", "{headers.x-ms-client-principal-name}")
_NO_SETTINGS = {
    True: "hand in all that az functionapp config appsettings list prints",
    False: "copy local.settings.json.example, as make run does",
}
_STORAGE = "AzureWebJobsStorage"


def check_settings(given: AppSettings) -> Iterator[Finding]:
    """Look at what does not depend on the app's functions."""
    source = "settings of the function app" if given.is_deployed else LOCAL_SETTINGS
    if given.own:
        yield fine(source, f"{len(given.own)} settings")
    else:
        yield wrong(source, "there are no settings", _NO_SETTINGS[given.is_deployed])
    if given.is_deployed:
        for name in given.values:
            if name.upper() in _FLEX_REFUSES:
                yield warning(name, "it is set", "remove it on Flex Consumption, which refuses it")
    elif given.values.get("FUNCTIONS_WORKER_RUNTIME", "").lower() != "python":
        yield warning(
            "FUNCTIONS_WORKER_RUNTIME", "it is not python", "func start asks for it: add it to Values"
        )
    if given.is_deployed:
        yield from _check_user_id(given)


def _check_user_id(given: AppSettings) -> Iterator[Finding]:
    user_id = given.values.get("NEGOTIATE_USER_ID")
    if not user_id:
        return
    if user_id.lower() not in _VERIFIED:
        yield wrong(
            "NEGOTIATE_USER_ID",
            f"{user_id} lets every caller choose who to be, and the app refuses to start with it",
            f"{' or '.join(_VERIFIED)} with App Service Authentication, or remove it",
        )
    elif given.values.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
        yield wrong(
            "NEGOTIATE_USER_ID",
            "App Service Authentication is off, so that its headers are the caller's, and the app refuses to "
            "start",
            "turn authentication on, with the setting WEBSITE_AUTH_ENABLED=true, or remove NEGOTIATE_USER_ID",
        )


def check_storage(given: AppSettings, settings: Settings, functions: list[Function]) -> Iterator[Finding]:
    """Look whether a deployed app has the storage without which its SignalR triggers are disabled."""
    if not given.is_deployed or not any(function.is_signalr for function in functions):
        return
    has_identity = any(
        name.lower().replace(":", "__").startswith(f"{_STORAGE}__".lower()) for name in settings
    )
    if not settings.get(_STORAGE) and not has_identity:
        yield wrong(
            _STORAGE,
            "it is not set, and without it SignalR triggers are disabled",
            f"add {_STORAGE}__blobServiceUri and {_STORAGE}__credential, or its connection string",
        )
    elif has_identity and _STORAGE in settings:
        yield warning(
            _STORAGE,
            f"it is set beside {_STORAGE}__…, of which the host uses neither reliably",
            "remove it and keep those of the identity, even where it is empty",
        )
    else:
        yield fine(_STORAGE, "triggers have their storage")
