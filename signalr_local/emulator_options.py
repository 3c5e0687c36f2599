"""The options of the emulator on the command line, with the letters of the official emulator."""

import argparse
import re
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from signalr_local.emulator.defaults import DEFAULT_PORT
from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.tiers import TIERS
from signalr_local.emulator.timing import Timing

__all__ = ["add_config", "add_options", "add_version", "upstream_rule"]

_DEFAULTS = Timing()
_SIZE = re.compile(r"(\d+)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_PATTERNS = ("hub", "category", "event")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the emulator can be told when it starts."""
    listening = parser.add_argument_group("where it listens")
    listening.add_argument(
        "-p",
        "--port",
        "--emulator-port",
        dest="emulator_port",
        type=_port,
        metavar="N",
        help=f"its port; 0 chooses a free one (default: {DEFAULT_PORT})",
    )
    listening.add_argument(
        "-i",
        "--ip",
        type=_address,
        metavar="ADDRESS",
        help="its address, such as 0.0.0.0 for containers and phones (default: 127.0.0.1 and ::1)",
    )
    listening.add_argument(
        "--host-name",
        dest="host_names",
        action="append",
        metavar="NAME",
        help="a name by which others reach it, such as host.docker.internal: requests to it are answered and "
        "tokens made for it are good; may be repeated",
    )
    listening.add_argument(
        "--allowed-origin",
        dest="origins",
        action="append",
        metavar="ORIGIN",
        help="pages that may use the REST API, such as http://localhost:5173 (every page may be a client); "
        "may be repeated",
    )
    listening.add_argument(
        "--key",
        dest="keys",
        action="append",
        metavar="KEY",
        help="an access key in place of the well-known ones; a second one is the secondary key",
    )
    upstream = parser.add_argument_group("where events go")
    add_config(upstream)
    upstream.add_argument(
        "--upstream",
        dest="rules",
        action="append",
        type=upstream_rule,
        metavar="RULE",
        help="a URL, or a path of the host on port 7071, in which {hub}, {category} and {event} are filled "
        "in; after it patterns such as hub=chat event=a,b; may be repeated, the first that matches counts",
    )
    timing = parser.add_argument_group("how long it waits, in seconds")
    for name, default, what in (
        ("keep-alive", _DEFAULTS.ping, "silence after which a client is sent a ping"),
        ("client-timeout", _DEFAULTS.client_timeout, "silence after which a client that pings is closed"),
        ("handshake-timeout", _DEFAULTS.handshake, "for a client's handshake"),
        ("upstream-timeout", _DEFAULTS.upstream, "for the app's answer to an event"),
        ("client-result-timeout", _DEFAULTS.client_result, "for a client's answer to :invoke"),
    ):
        timing.add_argument(
            f"--{name}", type=_seconds, metavar="SECONDS", help=f"{what} (default: {default:g})"
        )
    behaviour = parser.add_argument_group("how it behaves")
    behaviour.add_argument(
        "--send-buffer",
        type=_size,
        metavar="SIZE",
        help="what may wait for a client that reads slowly, such as 4MiB (default: 16MiB)",
    )
    behaviour.add_argument(
        "--tier", choices=sorted(TIERS), help="apply the quotas of one unit of a pricing tier (default: none)"
    )
    behaviour.add_argument(
        "--lenient",
        action="store_true",
        help="check only the signature of tokens, and take any api-version, as the official emulator does",
    )
    behaviour.add_argument(
        "--silent",
        action="store_true",
        help="leave calls without an upstream unanswered, as the service does, in place of an error",
    )
    behaviour.add_argument(
        "--forward-streams", action="store_true", help="send calls that ask for a stream to the app, too"
    )
    behaviour.add_argument(
        "--control",
        action="store_true",
        help="let tests on this machine ask for faults, lost connections and another time: POST /_test/...",
    )
    behaviour.add_argument(
        "--stateful-reconnect",
        action="store_true",
        help="let clients that ask for it go on with their connection after their socket broke",
    )


def add_config(parser: argparse._ActionsContainer) -> None:
    """Add the option that names the file with the upstream rules."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help="a settings.json as upstream init writes it, or its folder (default: ./settings.json, if it has "
        "upstream rules)",
    )


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints the version."""
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")


class _Version(argparse.Action):
    """Look for the version when somebody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"signalr-local {_version()}\n")
        parser.exit()


def upstream_rule(text: str) -> UpstreamRule:
    """Return the rule of ``URL [hub=PATTERN] [category=PATTERN] [event=PATTERN]``."""
    url, *pieces = text.split()
    patterns: dict[str, str] = {}
    for piece in pieces:
        name, separator, pattern = piece.partition("=")
        if name not in _PATTERNS or not separator or name in patterns:
            raise argparse.ArgumentTypeError(
                f"{piece!r} is not valid after the URL, expected hub=, category= or event= and a pattern "
                "without blanks, each once"
            )
        patterns[name] = pattern
    return UpstreamRule(url, **patterns)


def _version() -> str:
    import tomllib
    from importlib import metadata

    try:
        return metadata.version("serverless-signalr-local")
    except metadata.PackageNotFoundError:
        # In a clone, or in a container, the packages are not installed.
        text = (Path(__file__).parent / "pyproject.toml").read_text(encoding="utf-8")
        version: str = tomllib.loads(text)["project"]["version"]
        return version


def _checked[T](convert: Callable[[str], T], wanted: str) -> Callable[[str], T]:
    def check(text: str) -> T:
        try:
            return convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not valid, expected {wanted}") from None

    return check


def _to_port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _to_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 2**31:
        raise ValueError(text)
    return seconds


def _to_size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2].lower()]


_port = _checked(_to_port, "a port from 0 to 65535")
_seconds = _checked(_to_seconds, "a number of seconds above 0")
_size = _checked(_to_size, "a size such as 16MiB")
_address = _checked(lambda text: str(ip_address(text)), "an IP address such as 0.0.0.0")
