"""One look at everything, in the order in which things depend on each other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from local.doctor import app_checks, service_checks
from local.doctor.files import AppSettings, ServiceDescription
from local.doctor.findings import Finding, fine, warning, wrong
from local.host.functions import CONNECTION_INFO, SIGNALR_OUTPUT, Function, connection_setting, is_type
from local.host.settings import LOCAL_SETTINGS, Settings
from local.host.worker import AppError
from local.secrets import resolve_references
from signalr.endpoint import Endpoint
from signalr.errors import ConnectionStringError
from signalr.vault import is_reference

__all__ = ["examine"]

_FLEX_FORBIDS = ("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE")


async def examine(app: Path, settings_file: Path | None, service_file: Path | None) -> AsyncIterator[Finding]:
    """Yield what is found, good and bad, as it is found. Nothing is changed, neither here nor in Azure."""
    try:
        given = AppSettings.of_file(settings_file) if settings_file else AppSettings.of_folder(app)
        service = ServiceDescription.of_file(service_file) if service_file else None
    except ValueError as error:
        yield wrong("files", str(error), "correct the file, or name another one")
        return
    for finding in (*app_checks.check_host_json(app), *_check_settings(given)):
        yield finding
    try:
        functions = await app_checks.load_functions(app, given.values)
    except AppError as error:
        yield app_checks.app_error(error)
        return
    values = dict(given.values)
    if not given.is_deployed:
        try:
            values = await resolve_references(values)
        except ValueError as error:
            yield wrong("Key Vault", str(error), "as said, then run the doctor again")
            return
    settings = Settings(values, environment={})
    for finding in app_checks.check_functions(functions, settings):
        yield finding
    for setting, hub in _connections(functions).items():
        if _is_identity_based(setting, settings):
            for finding in await service_checks.check_identity(setting, settings):
                yield finding
            continue
        finding, endpoint = _check_connection(setting, given, settings)
        yield finding
        if endpoint is not None:
            for found in await service_checks.check_reachable(setting, endpoint, hub):
                yield found
    if service is not None:
        for finding in service_checks.check_description(service, functions, settings):
            yield finding
    for finding in service_checks.check_cors(given, service):
        yield finding


def _check_settings(given: AppSettings) -> Iterator[Finding]:
    source = "settings of the function app" if given.is_deployed else LOCAL_SETTINGS
    yield fine(source, f"{len(given.values)} settings")
    if given.is_deployed:
        for name in _FLEX_FORBIDS:
            if name in given.values:
                yield warning(name, "it is set", "remove it on Flex Consumption, which refuses it")
    elif given.values.get("FUNCTIONS_WORKER_RUNTIME", "").lower() != "python":
        yield warning(
            "FUNCTIONS_WORKER_RUNTIME", "it is not python", "func start asks for it: add it to Values"
        )
    user_id = given.values.get("NEGOTIATE_USER_ID", "")
    if given.is_deployed and user_id and not user_id.lower().startswith("{headers.x-ms-client-principal-"):
        yield wrong(
            "NEGOTIATE_USER_ID",
            f"{user_id} lets every caller choose who to be, and the app refuses to start with it",
            "{headers.x-ms-client-principal-id} with App Service Authentication, or remove it",
        )


def _connections(functions: list[Function]) -> dict[str, str]:
    """Return the connection settings that the app uses, each with one of its hubs."""
    found: dict[str, str] = {}
    for function in functions:
        for binding in (function.trigger, *function.inputs, *function.outputs):
            if function.is_signalr or any(
                is_type(binding, kind) for kind in (CONNECTION_INFO, SIGNALR_OUTPUT)
            ):
                found.setdefault(connection_setting(binding), str(binding.get("hubName", "")))
    return found


def _is_identity_based(setting: str, settings: Settings) -> bool:
    return settings.connection_string(setting) is None and bool(settings.get(f"{setting}__serviceUri"))


def _check_connection(
    setting: str, given: AppSettings, settings: Settings
) -> tuple[Finding, Endpoint | None]:
    text = settings.connection_string(setting)
    if text is None:
        return wrong(setting, "it is not set", "add the connection string of the service"), None
    if is_reference(text):
        return fine(setting, "a Key Vault reference: the portal shows whether it resolved"), None
    try:
        endpoint = Endpoint.parse(text)
    except ConnectionStringError as error:
        return wrong(setting, str(error), "copy the connection string anew from the service"), None
    if given.is_deployed and endpoint.url.startswith(("http://localhost", "http://127.")):
        return wrong(setting, "it names an emulator", "use the connection string of the service"), None
    return fine(setting, f"names {endpoint.url}"), endpoint
