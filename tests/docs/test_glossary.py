"""docs/glossary.md has the terms that a newcomer meets, in order, and each is explained."""

import re

import pytest

from tests.docs.pages import Page

TEXT = Page("docs/glossary.md").text
TERMS = dict(re.findall(r"^## (.+)\n\n(.+)$", TEXT, re.MULTILINE))


def test_terms_are_in_alphabetical_order() -> None:
    assert list(TERMS) == sorted(TERMS, key=str.lower)
    assert len(TERMS) == len(re.findall(r"^## ", TEXT, re.MULTILINE))


@pytest.mark.parametrize(
    "term",
    ["Hub", "Negotiate", "Upstream", "Serverless mode", "Function key", "System key", "Binding", "Worker"],
)
def test_term_that_the_documentation_relies_on_is_explained(term: str) -> None:
    assert len(TERMS[term].split()) >= 10
