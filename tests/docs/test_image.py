"""The image of docs/emulator.md, without Docker: the steps of its Dockerfile run in a folder.

Each instruction does what it does in a container, as far as a folder can be a container: the root of the file
system is the folder, and Python is that of an environment of its own.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.stand_ins import parse, words_of

[BLOCK] = [block for block in Page("docs/emulator.md").blocks if block.text.startswith("docker build")]
BUILD, RUN = (parse(*words_of(line)) for line in BLOCK.text.splitlines())
PATIENCE = 60.0


@dataclass
class Image:
    """Hold what the instructions have made so far."""

    root: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    health: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    port: str = ""

    def path(self, name: str) -> Path:
        return self.root / str(Path(self.folder, name)).lstrip("/")

    def run(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command in the container. Nothing of this machine's environment is in it."""
        binaries = self.root / "usr" / "bin"
        environment = {
            name: value.replace("/emulator", str(self.root / "emulator"))
            for name, value in self.environment.items()
        }
        return subprocess.Popen(
            [str(binaries / command[0]), *command[1:]],
            cwd=self.path("."),
            env=environment | {name: os.environ[name] for name in os.environ if name.startswith("PIP_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, instruction: str, rest: str, context: Path) -> None:
        match instruction:
            case "FROM":
                assert re.fullmatch(r"python:3\.\d+-slim", rest)
                venv.create(self.root / "usr", with_pip=True)
                assert rest == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
            case "WORKDIR":
                self.folder = rest
                self.path(".").mkdir(parents=True)
            case "COPY":
                source, target = rest.split()
                if (context / source).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(context / source, self.path(target), ignore=ignored)
                else:
                    shutil.copy(context / source, self.path(target))
            case "RUN":
                done = self.run(*shlex.split(rest))
                printed, _ = done.communicate()
                assert done.returncode == 0, printed
            case "ENV":
                self.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            case "HEALTHCHECK":
                self.health = json.loads(rest.partition("CMD ")[2])
            case "ENTRYPOINT":
                self.entry = json.loads(rest)
            case "EXPOSE":
                self.port = rest
            case "USER":
                assert rest == "nobody"
            case _:
                raise AssertionError(f"this test cannot do {instruction}")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Build the image as the page does."""
    image = Image(tmp_path_factory.mktemp("image"))
    [dockerfile], [context] = BUILD.options["--file"], BUILD.words
    text = (ROOT / dockerfile).read_text(encoding="utf-8")
    for line in text.replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            image.do(instruction, rest, ROOT / context)
    return image


@pytest.fixture
def container(image: Image) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """Run the image as the page does, on a free port, and return the port too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    name, *arguments = RUN.words
    assert [name] == BUILD.options["--tag"]
    process = image.run(*image.entry, *arguments, "--emulator-port", port)
    assert process.stdout is not None
    for line in process.stdout:
        if "SignalR Service emulator" in line:
            break
    yield process, port
    process.terminate()
    process.communicate(timeout=PATIENCE)


def test_port_that_is_published_is_the_one_that_the_image_exposes(image: Image) -> None:
    [published] = RUN.options["--publish"]
    assert published == f"{image.port}:{image.port}"


def test_container_serves_and_is_healthy(image: Image, container: tuple[object, str]) -> None:
    _, port = container
    with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=PATIENCE) as response:
        assert response.status == 200
    check = [word.replace(image.port, port) for word in image.health]
    healthy = image.run(*check)
    assert (healthy.communicate(timeout=PATIENCE)[0], healthy.returncode) == ("", 0)


def test_container_that_is_asked_to_stop_ends(container: "tuple[subprocess.Popen[str], str]") -> None:
    process, _ = container
    process.terminate()
    assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker here")
@pytest.mark.parametrize("command", ["build", "run"])
def test_options_are_those_of_the_docker_that_is_installed(command: str) -> None:
    call = BUILD if command == "build" else RUN
    helped = subprocess.run(["docker", command, "--help"], capture_output=True, text=True, check=True).stdout
    assert [option for option in call.options if f"{option} " not in helped] == []
