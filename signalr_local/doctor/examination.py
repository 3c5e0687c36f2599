"""The examination: every check, in the order in which things depend on each other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from signalr_local.doctor import (
    app_checks,
    binding_checks,
    connection_checks,
    cors_checks,
    host_json_checks,
    role_checks,
    service_checks,
    setting_checks,
    upstream_checks,
    webhook,
)
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, skipped, wrong
from signalr_local.host.functions import Function
from signalr_local.host.settings import Settings
from signalr_local.host.table import FunctionTable
from signalr_local.host.worker import AppError

__all__ = ["examine"]

_FORMS = "correct the settings; docs/connections.md has every form"


async def examine(app: Path, papers: Papers) -> AsyncIterator[Finding]:
    """Yield the findings, good and bad, as they are made. Nothing is changed, neither here nor in Azure."""
    given = papers.app
    if papers.functions is None:
        for finding in host_json_checks.check_host_json(app):
            yield finding
    for finding in setting_checks.check_settings(given):
        yield finding
    functions, load_error = papers.functions, None
    if functions is None:
        try:
            functions = await app_checks.load_functions(app, given.values)
        except AppError as error:
            functions, load_error = [], app_checks.app_error(error, app, given.own)
    values, secrets = await connection_checks.resolve(given.values, is_deployed=given.is_deployed)
    settings = Settings(values)
    prefix = app_checks.route_prefix(app) if papers.route_prefix is None else papers.route_prefix
    table = FunctionTable.build(binding_checks.stand_ins(functions), prefix, settings)
    needed = connection_checks.connections_of(functions, values) if load_error is None else []
    # Settings outside Values, or none at all, have been reported already.
    moved = {name.partition("__")[0] for name in given.beside} | set(needed if given.is_missing else ())
    problems = connection_checks.problems(needed, values)
    known = set(problems.values())
    problems = {name: problem for name, problem in problems.items() if name not in moved}
    needed = [name for name in needed if name not in moved]
    for finding in setting_checks.check_storage(given, settings, [] if given.is_missing else functions):
        yield finding
    if load_error is not None:
        yield load_error
    else:
        for finding in _check_functions(functions, table, settings, papers, known, prefix):
            yield finding
    for finding in (
        *secrets,
        *connection_checks.check_hidden(needed, values),
        *(wrong("connections.settings", name, problem, _FORMS) for name, problem in problems.items()),
    ):
        yield finding
    usable = [name for name in needed if name not in problems]
    async for finding in connection_checks.check_connections(usable, values, is_deployed=given.is_deployed):
        yield finding
    if papers.roles is not None:
        for finding in role_checks.check_roles(papers.roles, usable, given.values):
            yield finding
    async for finding in _check_service(papers, table, settings):
        yield finding
    origins = papers.service.cors_origins if papers.service is not None else None
    for finding in cors_checks.check_cors(given.cors, origins, is_deployed=given.is_deployed):
        yield finding
    # What az was asked for and did not tell is a finding of its own.
    if given.is_deployed and papers.functions is None:
        for finding in _skipped(papers):
            yield finding


def _check_functions(
    functions: list[Function],
    table: FunctionTable,
    settings: Settings,
    papers: Papers,
    known: set[str],
    prefix: str,
) -> Iterator[Finding]:
    reported = set()
    for name, finding in binding_checks.check_bindings(functions, settings):
        if name is not None:
            reported.add(name)
        yield finding
    yield from app_checks.check_functions(table, known, already=reported)
    yield from app_checks.check_routes(table, prefix)
    if papers.app.is_deployed:
        has_authentication = settings.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
        yield from binding_checks.check_user_ids(functions, settings, has_authentication=has_authentication)


async def _check_service(papers: Papers, table: FunctionTable, settings: Settings) -> AsyncIterator[Finding]:
    service = papers.service
    if service is None:
        return
    for finding in service_checks.check_mode(service):
        yield finding
    findings, webhooks = upstream_checks.check_rules(service, table, settings, papers.host_names)
    for finding in findings:
        yield finding
    has_triggers = papers.functions is not None and any(item.is_signalr for item in papers.functions)
    for address in webhooks:
        yield await webhook.check_webhook(address, has_triggers=has_triggers)


def _skipped(papers: Papers) -> Iterator[Finding]:
    if papers.service is None:
        yield skipped(
            "service.skipped", "service mode and upstream rules", _how("--service", "az signalr show")
        )
    if papers.app.cors is None:
        yield skipped("cors.skipped", "CORS of the function app", _how("--cors", "az functionapp cors show"))
    if papers.roles is None:
        command = "az role assignment list --all --assignee IDENTITY"
        yield skipped("roles.skipped", "roles of the app's identity", _how("--roles", command))


def _how(option: str, command: str) -> str:
    return f"--azure NAME, or {option} FILE with the output of {command}"
