"""The host's options: what they mean, and the sentence for what they cannot mean."""

import argparse
import ssl
import sys
from pathlib import Path

import pytest

from signalr_local.cli import main
from signalr_local.host_options import add_host_options, host_options


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_host_options(parser)
    return parser.parse_args(words)


def test_without_options_the_files_decide() -> None:
    options = host_options(parse())
    assert (options.cors_origins, options.cors_credentials, options.functions) == (None, None, ())
    assert (options.tls, options.debug_port, options.keep_values) == (None, None, False)


def test_options_have_the_names_of_func() -> None:
    words = [
        "-p",
        "7",
        "--cors",
        "http://a, http://b",
        "--cors-credentials",
        "--functions",
        "a",
        "b",
        "-t",
        "20",
    ]
    arguments = parse(*words, "--address", "0.0.0.0", "--verbose", "--script-root", "x")
    options = host_options(arguments)
    assert (arguments.port, arguments.address, arguments.timeout) == (7, "0.0.0.0", 20.0)
    assert (arguments.verbose, arguments.app) == (True, "x")
    assert (options.cors_origins, options.cors_credentials) == (("http://a", "http://b"), True)
    assert options.functions == ("a", "b")


@pytest.mark.parametrize(
    ("words", "port"),
    [
        (["--debug"], 5678),
        (["--debug", "7000"], 7000),
        (["--language-worker", "-m debugpy --listen 5679"], 5679),
        (["--language-worker", "-m debugpy --listen 127.0.0.1:5680"], 5680),
    ],
)
def test_a_debugger_has_a_port(words: list[str], port: int) -> None:
    words = [f"--language-worker={words[1]}"] if words[0] == "--language-worker" else words
    assert host_options(parse(*words)).debug_port == port


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "99999"], "'99999' is not a port, expected a number from 0 to 65535"),
        (["--port", "-1"], "'-1' is not a port"),
        (["--debug", "x"], "'x' is not a port"),
        (["--timeout", "soon"], "'soon' is not a time, expected a number of seconds"),
        (["--timeout", "0"], "'0' is not a time"),
        (["--language-worker=-m pdb"], "'-m pdb' is not supported"),
    ],
)
def test_a_wrong_option_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=sentence):
        parse(*words)


def test_a_certificate_needs_https() -> None:
    with pytest.raises(ValueError, match="--cert is for HTTPS: add --useHttps"):
        host_options(parse("--cert", "x"))


@pytest.mark.parametrize("name", ["none.pem", "none.pfx", "broken.pem", "broken.pfx"])
def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("broken"):
        path.write_text("x")
    with pytest.raises(ValueError, match=f"{name} cannot be used: "):
        host_options(parse("--useHttps", "--cert", str(path)))


def test_https_without_a_certificate_makes_one() -> None:
    options = host_options(parse("--useHttps"))
    assert isinstance(options.tls, ssl.SSLContext)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prt", "3"], "there is no option --prt; is --port meant?"),
        (["--emulator-prt=3", "host"], "there is no option --emulator-prt; is --emulator-port meant?"),
        (["--zzz"], "there is no option --zzz"),
        (["host", "--prt", "3"], "signalr-local host: error: there is no option --prt; is --port meant?"),
        (["emulator", "--prot", "3"], "there is no option --prot; is --port meant?"),
        (["emulator", "start", "--keepalive=3"], "there is no option --keepalive; is --keep-alive meant?"),
        (["emulator", "-x"], "signalr-local emulator: error: unrecognized arguments: -x"),
        (["--port", "many"], "'many' is not a port"),
        (["doctr"], "invalid choice: 'doctr'"),
    ],
)
def test_mistake_on_the_command_line_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["signalr-local", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
