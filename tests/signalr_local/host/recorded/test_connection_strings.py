"""Connection strings, held to how Microsoft's SDK reads them."""

import pytest

from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from tests.signalr_local.host.recorded.cases import Case, check, load, parameters


@pytest.mark.parametrize("case", parameters(load("extension/connection-strings")))
def test_a_connection_string_is_read_as_recorded(case: Case) -> None:
    real = case["real"]
    try:
        endpoint = Endpoint.parse(case["value"])
    except ConnectionStringError as error:
        check(case, [f"refused: {error}"] if real["ok"] else [])
        return
    seen = {"endpoint": endpoint.url, "client": endpoint.client_url, "key": endpoint.access_key}
    found = [] if real["ok"] else [f"taken, real {real.get('error')}"]
    found += [
        f"{name}: real {real[name]}, here {value}"
        for name, value in seen.items()
        if real["ok"] and (real[name] or "").rstrip("/") != (value or "").rstrip("/")
    ]
    check(case, found)
