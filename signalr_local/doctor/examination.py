"""One look at everything, in the order in which things depend on each other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from signalr_local.doctor import app_checks, connection_checks, role_checks, service_checks, setting_checks
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, skipped, wrong
from signalr_local.host.functions import FunctionTable
from signalr_local.host.settings import Settings
from signalr_local.host.worker import AppError

__all__ = ["examine"]

_FORMS = "correct the settings; docs/connections.md has every form"


async def examine(app: Path, papers: Papers) -> AsyncIterator[Finding]:
    """Yield what is found, good and bad, as it is found. Nothing is changed, neither here nor in Azure."""
    given = papers.app
    for finding in (*app_checks.check_host_json(app), *setting_checks.check_settings(given)):
        yield finding
    try:
        functions = await app_checks.load_functions(app, given.values)
    except AppError as error:
        yield app_checks.app_error(error, given.own)
        return
    values, findings = await connection_checks.resolve(given.values, is_deployed=given.is_deployed)
    settings = Settings(values)
    table = FunctionTable.build(functions, app_checks.route_prefix(app), settings)
    connections = connection_checks.connections_of(functions)
    problems = connection_checks.problems(connections, values)
    for finding in (
        *app_checks.check_functions(table, problems.values()),
        *setting_checks.check_storage(given, settings, functions),
        *findings,
        *connection_checks.check_hidden(connections, values),
        *(wrong(name, problem, _FORMS) for name, problem in problems.items()),
    ):
        yield finding
    usable = [name for name in connections if name not in problems]
    async for finding in connection_checks.check_connections(usable, values, is_deployed=given.is_deployed):
        yield finding
    if papers.roles is not None:
        for finding in role_checks.check_roles(papers.roles, usable, given.values):
            yield finding
    if papers.service is not None:
        async for finding in service_checks.check_description(papers.service, table, settings):
            yield finding
    if given.cors is not None:
        for finding in service_checks.check_cors(given.cors, papers.service):
            yield finding
    if given.is_deployed:
        for finding in _skipped(papers):
            yield finding


def _skipped(papers: Papers) -> Iterator[Finding]:
    if papers.service is None:
        yield skipped("service mode, upstream rules", "--service", "az signalr show")
    if papers.app.cors is None:
        yield skipped("CORS", "--cors", "az functionapp cors show")
    if papers.roles is None:
        yield skipped("roles", "--roles", "az role assignment list --all --assignee IDENTITY")
