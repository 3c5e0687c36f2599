"""The doctor as a command: what it examines, what it prints, and its exit code."""

import argparse
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from signalr_local.doctor import report
from signalr_local.doctor.azure import DeployedApp
from signalr_local.doctor.azure_cli import AzureError
from signalr_local.doctor.examination import examine
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, State
from signalr_local.doctor.health import ask_health, health_path
from signalr_local.doctor.options import FILES
from signalr_local.doctor.plan import Call, Plan, plan
from signalr_local.doctor.report import Format
from signalr_local.doctor.round_trip import travel
from signalr_local.doctor.rules import SECTIONS
from signalr_local.doctor.sarif import as_sarif
from signalr_local.host.app_folder import check_app_folder
from signalr_local.host.console import say
from signalr_local.host.failures import AppError
from signalr_local.host.settings import LocalSettings

__all__ = ["run"]

_PROBLEMS, _UNUSABLE = 1, 2
_NO_ARGUMENTS = "[]"


class _UsageError(Exception):
    """The doctor cannot do what the command line asks for."""


async def run(arguments: argparse.Namespace) -> int:
    """Examine an app, print the report and return the exit code."""
    # What goes wrong is a finding; log lines of the libraries would only repeat it.
    logging.getLogger().addHandler(logging.NullHandler())
    form = Format(arguments.output)
    try:
        _check_options(arguments)
        checks = _deployed(arguments) if arguments.azure else _folder(arguments)
        findings = await _print(checks, form, arguments)
    except (_UsageError, AzureError, ValueError) as error:
        sys.stdout.flush()
        sys.stderr.write(f"{str(error).rstrip('.')}.\n")
        return _UNUSABLE
    bad = {State.WRONG, State.WARNING} if arguments.strict else {State.WRONG}
    return _PROBLEMS if any(item.state in bad for item in findings) else 0


async def _print(
    checks: AsyncIterator[Finding], form: Format, arguments: argparse.Namespace
) -> list[Finding]:
    verbose = arguments.verbose
    findings: list[Finding] = []
    current: list[Finding] = []
    async for finding in checks:
        if form is Format.TEXT and current and current[0].section != finding.section:
            say(report.section_text(current[0].section, current, verbose=verbose))
            current = []
        current.append(finding)
        findings.append(finding)
    if form is Format.JSON:
        say(report.as_json(findings))
    elif form is Format.SARIF:
        is_deployed = bool(arguments.azure or arguments.settings)
        say(as_sarif(findings, _version(), _given_folder(arguments), is_deployed=is_deployed))
    else:
        if current:
            say(report.section_text(current[0].section, current, verbose=verbose))
        say(f"\n{report.verdict(findings)}")
    return findings


async def _folder(arguments: argparse.Namespace) -> AsyncIterator[Finding]:
    app = _app(arguments)
    files = {name: Path(path) for name in FILES if (path := getattr(arguments, name)) is not None}
    async for finding in examine(app, Papers.read(app, **files)):
        yield finding


async def _deployed(arguments: argparse.Namespace) -> AsyncIterator[Finding]:
    call, headers = _call(arguments), _headers(arguments)
    app = DeployedApp(arguments.azure, arguments.resource_group, arguments.subscription)
    if sys.stderr.isatty():
        sys.stderr.write(f"Asking az about {arguments.azure} …\n")
    papers = await app.read()
    host = papers.host_names[0] if papers.host_names else ""
    found = app.findings + [finding async for finding in examine(Path(), papers)]
    path = health_path(papers.functions or [], papers.route_prefix or "")
    if path is not None and host and not arguments.no_round_trip:
        found.append(await ask_health(host, path, papers.function_key))
    titles = list(SECTIONS.values())
    for finding in sorted(found, key=lambda item: titles.index(item.section)):
        yield finding
    if arguments.no_round_trip or not host:
        return
    planned = plan(papers.functions or [], host, papers.route_prefix or "", call, headers)
    if not isinstance(planned, Plan):
        yield planned
        return
    async for finding in travel(planned):
        yield finding


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that would not be looked at."""
    if not arguments.azure:
        for option, value in (
            ("--resource-group", arguments.resource_group),
            ("--subscription", arguments.subscription),
            ("--call", arguments.call),
            ("--header", arguments.headers),
            ("--no-round-trip", arguments.no_round_trip),
        ):
            if value:
                raise _UsageError(
                    f"{option} is about an app in Azure: name the app with --azure NAME (--app is a folder)"
                )
    elif getattr(arguments, "app", None) is not None:
        raise _UsageError("--app is a folder and --azure an app in Azure: name one of them")
    elif any(getattr(arguments, name) is not None for name in FILES):
        raise _UsageError("--azure asks az itself: leave out --settings, --cors, --service and --roles")
    if arguments.arguments != _NO_ARGUMENTS and arguments.call is None:
        raise _UsageError("--arguments are those of a method: name it with --call")


def _given_folder(arguments: argparse.Namespace) -> Path:
    return Path(getattr(arguments, "app", None) or ".").resolve()


def _app(arguments: argparse.Namespace) -> Path:
    app = _given_folder(arguments)
    try:
        values = LocalSettings.read(app).values
    except ValueError:
        values = {}  # which is a finding
    try:
        check_app_folder(app, {**values, **os.environ})
    except AppError as error:
        name = getattr(arguments, "app", None)
        also = ""
        if name and not app.exists() and Path(name).name == name:
            also = f". If {name} is an app in Azure: signalr-local doctor --azure {name}"
        raise _UsageError(f"{str(error).rstrip('.')}{also}") from None
    return app


def _call(arguments: argparse.Namespace) -> Call | None:
    if arguments.call is None:
        return None
    try:
        given = json.loads(arguments.arguments)
    except ValueError:
        given = None
    if not isinstance(given, list):
        raise _UsageError(f"--arguments is not a JSON array: {arguments.arguments}")
    return Call(arguments.call, given)


def _headers(arguments: argparse.Namespace) -> dict[str, str]:
    headers = {}
    for text in arguments.headers:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise _UsageError("--header takes 'NAME: VALUE'")
        headers[name.strip()] = value.strip()
    return headers


def _version() -> str:
    try:
        return version("serverless-signalr-local")
    except PackageNotFoundError:
        return "0"
