"""The policy of API Management: well-formed, and strict about origins."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

APP = Path(__file__).parents[2] / "infra" / "app"


@pytest.fixture
def policy() -> ElementTree.Element:
    """Return the policy as apim.bicep deploys it, for two origins."""
    origins = "<origin>https://a.example</origin><origin>https://b.example</origin>"
    return ElementTree.fromstring(
        (APP / "apim-policy.xml").read_text().replace("<origin>ORIGINS</origin>", origins)
    )


def test_the_place_of_the_origins_is_what_the_template_replaces() -> None:
    assert (APP / "apim-policy.xml").read_text().count("<origin>ORIGINS</origin>") == 1
    assert "'<origin>ORIGINS</origin>', originElements" in (APP / "apim.bicep").read_text()


def test_it_has_every_section_and_keeps_what_is_above_it(policy: ElementTree.Element) -> None:
    assert [section.tag for section in policy] == ["inbound", "backend", "outbound", "on-error"]
    assert all(section.find("base") is not None for section in policy)


def test_credentials_are_allowed_to_named_origins_only(policy: ElementTree.Element) -> None:
    cors = policy.find("inbound/cors")
    assert cors is not None
    assert cors.attrib == {"allow-credentials": "true", "terminate-unmatched-request": "true"}
    assert [item.text for item in cors.findall("allowed-origins/origin")] == [
        "https://a.example",
        "https://b.example",
    ]


def test_it_allows_what_the_signalr_client_sends(policy: ElementTree.Element) -> None:
    headers = {item.text for item in policy.findall("inbound/cors/allowed-headers/header")}
    assert headers == {
        "authorization",
        "content-type",
        "x-requested-with",
        "x-signalr-connection-token",
        "x-signalr-user-agent",
    }
    assert [item.text for item in policy.findall("inbound/cors/allowed-methods/method")] == ["POST"]
