"""HTTP functions and the routes under /admin, held to the recorded answers of the real host."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.signalr_local.host.recorded.answers import compare
from tests.signalr_local.host.recorded.apps import Replayed, copy_app, running
from tests.signalr_local.host.recorded.cases import Case, check, load, parameters

pytestmark = pytest.mark.asyncio(loop_scope="module")

_HTTP = load("host/http")
_ADMIN = load("host/admin")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replayed]:
    async with running(copy_app("http", tmp_path_factory.mktemp("http") / "app")) as replayed:
        yield replayed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replayed]:
    async with running(copy_app("admin", tmp_path_factory.mktemp("admin") / "app")) as replayed:
        yield replayed


@pytest.mark.parametrize("case", parameters(_HTTP))
async def test_http_answers_as_recorded(http: Replayed, case: Case) -> None:
    await _replay(http, case)


@pytest.mark.parametrize("case", parameters(_ADMIN))
async def test_admin_answers_as_recorded(admin: Replayed, case: Case) -> None:
    await _replay(admin, case)


async def _replay(replayed: Replayed, case: Case) -> None:
    for request in case.get("before", ()):
        await replayed.send(request)
    answer = await replayed.send(case["request"], case.get("timeout_s", 30))
    check(case, compare(answer, case["real"], case.get("compare"), replayed.port, replayed.app))
