"""The options of the REST client."""

import re
from typing import Any

import pytest

from serverless_signalr._rest.options import ClientOptions, Options


def test_options_are_the_keywords_of_a_client() -> None:
    assert set(ClientOptions.__annotations__) == set(Options.__slots__)


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, "api-version=2024-12-01"),
        ({"api_version": "2022-06-01"}, "api-version=2022-06-01"),
        ({"application": "shop"}, "application=shop&api-version=2024-12-01"),
        ({"application": "a[1]"}, "application=a%5B1%5D&api-version=2024-12-01"),
        ({"api_version": "a&b=c"}, "api-version=a%26b%3Dc"),
    ],
)
def test_query_names_the_application_and_the_version(options: dict[str, Any], query: str) -> None:
    assert Options(**options).query() == query


@pytest.mark.parametrize("application", ["", "1st", "a/b", "a b", "x" * 129])
def test_application_is_named_like_a_hub(application: str) -> None:
    with pytest.raises(
        ValueError, match=f"^the application name {re.escape(repr(application))} is not valid"
    ):
        Options(application=application)
