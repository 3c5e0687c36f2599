"""App settings: those that the platform refuses, and those that triggers depend on.

Source of what Flex Consumption refuses:
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations and the list with
which azure-cli moves an app there.
"""

import json
from collections.abc import Iterator

from signalr_local.doctor.emulator import CONNECTION_STRING
from signalr_local.doctor.files import AppSettings
from signalr_local.doctor.findings import Finding, fine, note, warning, wrong
from signalr_local.host.functions import Function
from signalr_local.host.settings import LOCAL_SETTINGS, Settings
from signalr_local.host.whole_app import storage_remark

__all__ = ["FLEX_REFUSES", "check_settings", "check_storage"]

FLEX_REFUSES = frozenset(
    {
        *("ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY"),
        *("FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED", "FUNCTIONS_WORKER_PROCESS_COUNT"),
        *("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_RUNTIME_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT"),
        *("TZ", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTOVERVNET"),
        *("WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER", "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT"),
        *("WEBSITE_NODE_DEFAULT_VERSION", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION"),
        *("WEBSITE_TIME_ZONE", "WEBSITE_VNET_ROUTE_ALL"),
    }
)
"""App settings that Flex Consumption refuses or ignores, in upper case."""

_WHOLE = json.dumps(
    {
        "IsEncrypted": False,
        "Values": {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": "",
            "AzureWebJobsSecretStorageType": "files",
            "AzureSignalRConnectionString": CONNECTION_STRING,
        },
    }
)
"""A local.settings.json to start with."""

_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
_STORAGE = "AzureWebJobsStorage"
_NEEDS_NO_STORAGE = ("httptrigger", "kafkatrigger", "rabbitmqtrigger")


def check_settings(given: AppSettings) -> Iterator[Finding]:
    """Check what does not depend on the app's functions."""
    if given.is_deployed:
        yield from _check_deployed(given)
    else:
        yield from _check_local(given)


def _check_deployed(given: AppSettings) -> Iterator[Finding]:
    source = "app settings"
    if given.own:
        yield fine("settings.given", source, f"{len(given.own)} settings")
    else:
        yield wrong(
            "settings.given",
            source,
            "there are none",
            "provide the complete output of az functionapp config appsettings list",
        )
    # On other plans these settings are needed, or do no harm.
    if given.is_flex is not False:
        for name in sorted(given.own):
            if name.upper() in FLEX_REFUSES:
                yield warning(
                    "settings.flex",
                    name,
                    "Flex Consumption refuses or ignores this setting",
                    "remove it if the app is on Flex Consumption",
                )


def _check_local(given: AppSettings) -> Iterator[Finding]:
    if given.problem:
        yield wrong("settings.file", LOCAL_SETTINGS, given.problem, "correct the file")
        return
    if given.beside:
        yield wrong(
            "settings.beside",
            LOCAL_SETTINGS,
            f"settings stand outside Values, where nothing reads them ({', '.join(given.beside)})",
            "move them into Values",
        )
    elif given.own:
        yield fine("settings.given", LOCAL_SETTINGS, f"{len(given.own)} settings")
    else:
        seen = "Values is empty" if given.has_file else "the file does not exist"
        fix = f"give it this content: {_WHOLE}"
        if given.example and not given.has_file:
            fix = f"copy {given.example}: cp {given.example} {LOCAL_SETTINGS}"
        yield wrong("settings.given", LOCAL_SETTINGS, seen, fix)
        return
    runtime = given.values.get(_RUNTIME, "")
    if runtime and runtime.lower() != "python":
        yield wrong("settings.runtime", _RUNTIME, f"it is {runtime}", "set it to python")
    elif not runtime and _RUNTIME not in given.beside:
        yield warning(
            "settings.runtime",
            _RUNTIME,
            "it is not set, and func start asks for it",
            f'add "{_RUNTIME}": "python" to Values',
        )


def check_storage(given: AppSettings, settings: Settings, functions: list[Function]) -> Iterator[Finding]:
    """Check whether an app has the storage without which the host disables its triggers."""
    if given.is_deployed:
        if any(function.is_signalr for function in functions):
            yield from _check_deployed_storage(settings)
    elif not settings.get(_STORAGE) and not _has_identity(settings):
        others = [item for item in functions if _needs_storage(item)]
        if others:
            yield note(
                "settings.local-storage",
                _STORAGE,
                f"func start needs it for {others[0].name}: UseDevelopmentStorage=true with Azurite running",
            )
        elif any(function.is_signalr for function in functions) and storage_remark(settings):
            yield warning(
                "settings.local-secrets",
                _STORAGE,
                "it is empty, and func start then disables SignalR triggers",
                'add "AzureWebJobsSecretStorageType": "files" to Values',
            )


def _check_deployed_storage(settings: Settings) -> Iterator[Finding]:
    has_identity = _has_identity(settings)
    if not settings.get(_STORAGE) and not has_identity:
        yield wrong(
            "settings.storage",
            _STORAGE,
            "it is not set, and without it the host disables SignalR triggers",
            f"add {_STORAGE}__blobServiceUri and {_STORAGE}__credential, or {_STORAGE} itself",
        )
    elif has_identity and _STORAGE in settings:
        yield warning(
            "settings.storage-twice",
            _STORAGE,
            f"it is set beside {_STORAGE}__…, even if empty, and the host then uses neither reliably",
            f"remove {_STORAGE} and keep {_STORAGE}__…",
        )
    else:
        yield fine("settings.storage", _STORAGE, "the host has its storage")


def _has_identity(settings: Settings) -> bool:
    prefix = f"{_STORAGE}__".lower()
    return any(name.lower().replace(":", "__").startswith(prefix) for name in settings)


def _needs_storage(function: Function) -> bool:
    kind = str(function.trigger.get("type", "")).lower()
    return bool(kind) and kind not in _NEEDS_NO_STORAGE and not function.is_signalr
