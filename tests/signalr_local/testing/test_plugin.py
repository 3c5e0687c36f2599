"""The fixtures of pytest, in projects of their own: with pytest-asyncio, with anyio, with neither, unused."""

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

APP = """
from serverless_signalr import FunctionApp, ServerlessHub


class Chat(ServerlessHub, hub="chat"):
    async def say(self, text: str) -> int:
        await self.clients.all.send("said", text)
        return len(text)


app = FunctionApp()
app.register_functions(Chat())
"""

CONVERSATION = """
    alice, bob = await signalr_env.connect("alice"), await signalr_env.connect("bob")
    assert await alice.invoke("say", "hi") == 2
    await bob.expect("said", "hi")
    await bob.expect_nothing()
"""

SETTINGS = """
[tool.pytest.ini_options]
signalr_app = "function_app:app"
pythonpath = ["."]
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""

WITHOUT_ASYNCIO = SETTINGS.replace('asyncio_default_fixture_loop_scope = "function"', "")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with an app, whose pytest has no plugins but those that a test names."""
    pytester.makepyfile(function_app=APP)
    pytester.makepyprojecttoml(SETTINGS)
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the tests of a project in a process of their own, as somebody runs them."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_plugin_is_found_where_the_package_is_installed() -> None:
    found = [each.value for each in entry_points(group="pytest11")]
    assert "signalr_local.pytest_plugin" in found


def test_tests_run_with_pytest_asyncio_in_auto_mode(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""
import pytest


@pytest.fixture
async def alice(signalr_env):
    return await signalr_env.connect("alice")


async def test_conversation(signalr_env):
{CONVERSATION}


async def test_fixture(alice, signalr_env):
    assert signalr_env.clients == [alice]


class TestMethods:
    async def test_method(self, alice):
        assert await alice.invoke("say", "hi") == 2
"""
    )
    run(project, "-p", "no:anyio", "-o", "asyncio_mode=auto").assert_outcomes(passed=3)


def test_tests_run_with_pytest_asyncio_in_strict_mode(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""
import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def alice(signalr_env):
    return await signalr_env.connect("alice")


@pytest.mark.asyncio
async def test_conversation(signalr_env):
{CONVERSATION}


@pytest.mark.asyncio
async def test_fixture(alice, signalr_env):
    assert signalr_env.clients == [alice]
"""
    )
    run(project, "-o", "asyncio_mode=strict").assert_outcomes(passed=2)


@pytest.mark.parametrize("others", [[], ["-p", "no:asyncio"]], ids=["beside pytest-asyncio", "alone"])
def test_tests_run_with_anyio(project: pytest.Pytester, others: list[str]) -> None:
    if others:
        project.makepyprojecttoml(WITHOUT_ASYNCIO)
    project.makepyfile(
        f"""
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def alice(signalr_env):
    return await signalr_env.connect("alice")


async def test_conversation(signalr_env):
{CONVERSATION}


async def test_fixture(alice, signalr_env):
    assert signalr_env.clients == [alice]


def test_that_is_not_async(signalr_env):
    assert signalr_env.connect("alice").invoke("say", "hi") == 2
"""
    )
    run(project, *others).assert_outcomes(passed=3)


def test_backend_that_is_not_asyncio_is_refused_with_what_to_do(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
import pytest


@pytest.fixture
def anyio_backend():
    return "trio"


@pytest.fixture
def anyio_backend_name(anyio_backend):
    return anyio_backend


@pytest.mark.anyio
async def test_it(signalr_env):
    pass
"""
    )
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*signalr_env runs on asyncio, and this test on trio: define a fixture*"])


@pytest.mark.parametrize(
    "others", [[], ["-p", "no:asyncio", "-p", "no:anyio"]], ids=["beside plugins", "without any plugin"]
)
def test_tests_that_are_not_async_wait(project: pytest.Pytester, others: list[str]) -> None:
    if others:
        project.makepyprojecttoml(WITHOUT_ASYNCIO)
    project.makepyfile(
        """
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from serverless_signalr import HubException


@pytest.fixture
def alice(signalr_env):
    return signalr_env.connect("alice")


def test_conversation(signalr_env, alice):
    bob = signalr_env.connect("bob")
    assert alice.invoke("say", "hi") == 2
    bob.expect("said", "hi")
    bob.expect_nothing()


def test_error_is_the_one_of_the_call(alice):
    with pytest.raises(HubException, match="say"):
        alice.invoke("say")


def test_faults_and_time(signalr_env, alice):
    signalr_env.faults.upstream(503)
    with pytest.raises(HubException, match="503"):
        alice.invoke("say", "hi")
    signalr_env.advance(hours=1)
    signalr_env.drop(alice, "maintenance")
    alice.expect_closed("maintenance")


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=strategies.text(max_size=5))
def test_examples_of_hypothesis(alice, text):
    assert alice.invoke("say", text) == len(text)
"""
    )
    run(project, *others).assert_outcomes(passed=4)


def test_async_test_without_a_plugin_that_runs_it_is_told_which(project: pytest.Pytester) -> None:
    project.makepyprojecttoml(WITHOUT_ASYNCIO)
    # As if the package were not installed.
    project.makepyfile(pytest_asyncio="raise ImportError")
    project.makepyfile(
        """
async def test_it(signalr_env):
    pass
"""
    )
    result = run(project, "-p", "no:asyncio")
    result.stdout.fnmatch_lines(["*pip install pytest-asyncio*"])


def test_plugin_is_silent_where_nobody_uses_it(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("")
    project.makepyfile(
        """
import sys


def test_nothing_is_imported():
    mine = [name for name in sys.modules if name.startswith(("serverless_signalr", "signalr_local"))]
    assert mine == ["signalr_local", "signalr_local.pytest_plugin"]
    assert not {"aiohttp", "azure.functions", "azure_functions_runtime"} & set(sys.modules)
"""
    )
    result = run(project, "-p", "no:hypothesispytest", "-p", "no:asyncio", "-q")
    result.stdout.re_match_lines([r"\.\s+\[100%\]", r"1 passed in .*"], consecutive=True)
    assert (len(result.outlines), result.errlines) == (2, [])


def test_app_that_nobody_named_is_asked_for(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("")
    project.makepyfile("def test_it(signalr_env):\n    pass\n")
    result = run(project)
    result.stdout.fnmatch_lines(["*which app? Set signalr_app = *"])


@pytest.mark.parametrize("named", [".", "function_app:app"])
def test_app_is_the_one_that_the_setting_names(project: pytest.Pytester, named: str) -> None:
    project.makepyfile("def test_it(signalr_env):\n    assert signalr_env.hub == 'chat'\n")
    run(project, "-o", f"signalr_app={named}").assert_outcomes(passed=1)


def test_app_and_options_are_those_of_the_fixtures_that_a_project_defines(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("")
    project.makeconftest(
        """
import pytest

from serverless_signalr import ServerlessHub


class Room(ServerlessHub, hub="room"):
    async def say(self, text: str) -> None:
        pass


@pytest.fixture
def signalr_app():
    return Room()


@pytest.fixture
def signalr_options():
    return {"control": True}
"""
    )
    project.makepyfile(
        """
def test_it(signalr_env):
    assert (signalr_env.hub, bool(signalr_env.control_url)) == ("room", True)
"""
    )
    run(project).assert_outcomes(passed=1)
