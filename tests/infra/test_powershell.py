"""The hooks for Windows ask, say and decide what the others do. They are parsed here, not run: PowerShell
itself can be had only from Microsoft."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "infra" / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.ps1"))


def tree(name: str) -> Node:
    parser = Parser(Language(tree_sitter_powershell.language()))
    return parser.parse((SCRIPTS / f"{name}.ps1").read_bytes()).root_node


def nodes(node: Node, *types: str) -> Iterator[Node]:
    """Yield what is of these types in a tree, in order."""
    if node.type in types:
        yield node
    for child in node.children:
        yield from nodes(child, *types)


def text(node: Node | None) -> str:
    return "" if node is None else (node.text or b"").decode()


def words(command: Node) -> list[str]:
    """Return a command's name and arguments, without their quotes."""
    name, *rest = command.named_children
    elements = [
        part for group in rest for part in group.named_children if part.type != "command_argument_sep"
    ]
    return [text(part).strip("\"'") for part in (name, *elements)]


@pytest.mark.parametrize("name", NAMES)
class TestEveryScript:
    def test_has_no_error_of_syntax(self, name: str) -> None:
        assert not tree(name).has_error

    def test_insists_on_a_powershell_that_does_not_end_when_az_complains(self, name: str) -> None:
        assert (SCRIPTS / f"{name}.ps1").read_text().startswith("#Requires -Version 7.4\n")

    def test_compares_words_with_regard_to_case(self, name: str) -> None:
        for operator in nodes(tree(name), "comparison_operator"):
            against = text(operator.next_sibling)
            assert text(operator).startswith("-c") or re.fullmatch(r"[01]|\$Patience|\$Least", against), (
                against
            )


# as the shell scripts


def shell(name: str) -> str:
    """Return a shell script without its comments, a command on a line."""
    source = (SCRIPTS / f"{name}.sh").read_text()
    return re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE).replace("\\\n", " ")


def nameless(word: str) -> str:
    """Return a word without the names of its variables, and without that of a file."""
    return re.sub(r"^@.*|\$\([$\w][\w.:]*\)|\$\{[^}]*\}|\$[\w:]*\w", "$", word)


def asked_by_shell(name: str) -> Iterator[list[str]]:
    """Yield what a shell script asks of az and azd, in order, but not what it makes of the answer."""
    command = r'^ *(?:if ! )?(?:ask|ask_host ".*?"|ask_references|azd?) (.*)$'
    for line in re.findall(command, shell(name), re.MULTILINE):
        asked = list(takewhile(lambda word: word not in ("||", "&&") and "2>" not in word, shlex.split(line)))
        for option in ("--query", "--output", "--subscription"):
            if option in asked:
                del asked[asked.index(option) : asked.index(option) + 2]
        if asked[0] != "$@":
            yield [nameless(word) for word in asked if word not in ("$@", "then")]


def asked_by_powershell(name: str) -> Iterator[list[str]]:
    for command in nodes(tree(name), "command"):
        called, *asked = words(command)
        if called in ("Invoke-Az", "Invoke-Reference", "azd"):
            yield [nameless(word) for word in asked]


def said(strings: list[str]) -> set[str]:
    """Return what is a sentence, in a form that both kinds of script have."""
    first_lines = [re.split(r"\n|`n", string)[0] for string in strings if string.count(" ") > 2]
    return {nameless(line.replace('\\"', '"').strip("'\"")).strip("$.") for line in first_lines}


@pytest.mark.parametrize("name", ["azure", "preprovision", "postdeploy"])
class TestBothKinds:
    def test_ask_the_same_in_the_same_order(self, name: str) -> None:
        assert list(asked_by_powershell(name)) == list(asked_by_shell(name))

    def test_say_the_same(self, name: str) -> None:
        powershell = nodes(tree(name), "expandable_string_literal", "verbatim_string_characters")
        quoted = r'"(?:\\.|[^"\\])*"'
        without_queries = re.sub(f"--query {quoted}", "", shell(name))
        assert said([text(node) for node in powershell]) == said(re.findall(quoted, without_queries))

    def test_name_the_same_roles_and_variables(self, name: str) -> None:
        word = r"Website Contributor|SignalR/Web PubSub Contributor|Reader|\b[A-Z]+(?:_[A-Z]+)+\b"
        powershell = "\n".join(text(node) for node in tree(name).children if node.type != "comment")
        assert set(re.findall(word, powershell)) == set(re.findall(word, shell(name)))


# step by step

OUTLINES = {
    "azure": """
        $PSNativeCommandUseErrorActionPreference = $false
        function Stop-WithMessage
          exit 1
        function Get-Setting
          $value -> $value
            else -> $Default
        function Assert-Setting
          -not (Get-Setting $name '') -> Stop-WithMessage
        function Test-Switch
          @('1', 't', 'T', 'true', 'True', 'TRUE') -ccontains (Get-Setting $Name '')
        function Assert-AzureCli
          -not (Get-Command az -ErrorAction SilentlyContinue) -> Stop-WithMessage
        function Invoke-Az
          & az @args --subscription $env:AZURE_SUBSCRIPTION_ID --only-show-errors --output json ...
          $script:Failed = $LASTEXITCODE -ne 0
          $lines -and -not $script:Failed -> $lines | Out-String | ConvertFrom-Json
        function Test-Refused
          $script:Complaint -cmatch 'AuthorizationFailed|Forbidden'
        function Test-Missing
          $script:Complaint -cmatch 'ResourceGroupNotFound'
        function Get-Explanation
          $Role -and (Test-Refused) -> ": you need the role $Role on it"
            else -> ''
        function Stop-WithComplaint
        function Assert-Subscription
          Assert-AzureCli
          $script:Failed ->
            $env:AZURE_TENANT_ID -> " --tenant $env:AZURE_TENANT_ID"
              else -> ''
        function Wait-Until
          -not (& $Check) ->
            $waited -ge $Patience -> return $false
          $true
        function Test-Answered
          $script:Failed -and (Test-Refused) -> Stop-WithComplaint $Message 'Website Contributor'
          -not $script:Failed
        function Read-ExtensionKey
        function Invoke-Reference
        function Read-Reference
        function Test-Resolved
          Read-Reference
          $script:Failed -> Stop-WithComplaint 'Website Contributor'
          $script:State -ceq 'Resolved' -> return $true
          $script:Failed -> Stop-WithComplaint 'Website Contributor'
          $false
    """,
    "preprovision": """
        $upstream -ceq 'http' -and (Test-Switch 'USE_MANAGED_IDENTITY') -> Stop-WithMessage
        $sku -ceq 'Free_F1' ->
          Test-Switch 'VNET_ENABLED' -> Stop-WithMessage
          $units -cne '1' -> Stop-WithMessage
        $sku -ceq 'Premium_P2' -and $units -cnotmatch '^\\d{3}' -> Stop-WithMessage
        (Test-Switch 'ZONE_REDUNDANT') -and (Get-Setting 'ALWAYS_READY_INSTANCES' '0') -ceq ...
        (Get-Setting 'ALLOWED_ORIGINS' '').Contains('*') -> Stop-WithMessage
        $upstream -cne 'webhook' -> exit 0
        Assert-AzureCli
        Assert-Setting 'AZURE_ENV_NAME'
        $env:AZURE_SUBSCRIPTION_ID -> Assert-Subscription
          $script:Failed -and -not (Test-Missing) -> Stop-WithComplaint 'Reader'
          $_.tags.'azd-service-name' -ceq 'api'
          $app ->
            Wait-Until (Get-Setting 'HOST_PATIENCE' '60') { Read-ExtensionKey $group $app.name } ->
              $script:Key -> $exists = 'true'
              else -> Write-Output
        (Get-Setting 'SIGNALR_EXTENSION_KEY_EXISTS' 'false') -cne $exists -> azd env set ...
          exit $LASTEXITCODE
    """,
    "postprovision": """
        & "$PSScriptRoot/postdeploy.ps1" -IfDeployed
        exit $LASTEXITCODE
    """,
    "postdeploy": """
        $IfDeployed -and $upstream -cne 'webhook' -> exit 0
        Assert-Setting 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME', ...
        Assert-Subscription
        function Wait-Reference
          Read-Reference
          $script:Failed -> Get-Explanation 'Website Contributor'
            return
          $script:State -ceq 'Resolved' -> return
          -not (Wait-Until $patience { Test-Resolved }) -> Stop-WithMessage
          $script:Failed -> Stop-WithComplaint 'Website Contributor'
        $hasUpstream = {
          -not (Test-Answered ) -> return $false
          $_.type -ceq 'httpTrigger' -and $_.route -ceq 'upstream'
        $hasKey = {
          -not (Read-ExtensionKey $env:AZURE_RESOURCE_GROUP $env:SERVICE_API_NAME) -> return $false
          [bool] $script:Key
        $IfDeployed -> $answered = Wait-Until (Get-Setting 'HOST_PATIENCE' '30') { Read- ...
          -not ($answered -and $script:Key) -> Write-Output
            exit 0
          else ->
            $env:AZURE_KEY_VAULT_NAME -> Wait-Reference
            $upstream -ceq 'webhook' -> $hasKey
              else -> $hasUpstream
            -not (Wait-Until $patience $check) -> Stop-WithComplaint
            $upstream -cne 'webhook' -> Write-Output
              exit 0
        $script:Key -cnotmatch '^[A-Za-z0-9_=/-]+$' -> Stop-WithMessage
        $isTold = {
          $script:Failed -> Stop-WithComplaint 'SignalR/Web PubSub Contributor'
          $properties.provisioningState -ceq 'Succeeded' -and $first.urlTemplate -ceq $url
        & $isTold -> Write-Output
          exit 0
        $script:Failed -> Stop-WithComplaint 'SignalR/Web PubSub Contributor'
        -not (Wait-Until $patience $isTold) -> Stop-WithMessage
    """,
    "smoke-test": """
        (Get-Setting 'SMOKE_TEST' 'on') -ceq 'off' -> exit 0
        Assert-Setting 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME'
        Set-Location "$PSScriptRoot/../.."
        -not (Test-Path $python) -> python -m venv .venv
          & $python -m pip install --quiet -r requirements.txt --editable . --editable signalr_local
          $LASTEXITCODE -ne 0 -> exit $LASTEXITCODE
        $env:AUTH_CLIENT_ID -> $options += '--no-round-trip'
        $passes = {
          & $python -m signalr_local doctor @options 2>&1
          $script:Code -ne 1
        $script:Code -ne 0 -> Stop-WithMessage
    """,
    "prepackage": r"""
        function Assert-Program
          Get-Command $Name -ErrorAction SilentlyContinue -> $seen = "$(& $Name --version)"
            -not $seen -> $seen = 'missing'
            $seen -cmatch '\d+\.\d+' -and [version] $Matches[0] -ge $Least -> return
        function Assert-Success
          $LASTEXITCODE -ne 0 -> exit $LASTEXITCODE
        Assert-Program node '20.0' 'https://nodejs.org/download'
        Assert-Program python '3.13' 'https://www.python.org/downloads/'
        Set-Location "$PSScriptRoot/../../web"
        npm ci --no-audit --no-fund
        Assert-Success
        npm run build
        Assert-Success
        Set-Location "$PSScriptRoot/../.."
        python infra/scripts/package.py --app (Get-Setting 'APP' '.')
        Assert-Success
    """,
}
"""Each condition, with the first thing that is done where it holds, and each step that stands alone."""

STEP = r"(\S+ = )?\$(true|false)$|-not |\[bool\] |(Assert|Read)-|Set-Location |(npm|python|&) "


def outline(node: Node, depth: int = 0) -> Iterator[str]:
    """Yield the lines of a script that matter, those of a block further in than its head."""
    inner = node.children
    match node.type:
        case "if_statement" | "else_clause" | "while_statement":
            kinds = ("pipeline", "while_condition", "statement_block")
            *head, block = (part for part in inner if part.type in kinds)
            first, *rest = next(nodes(block, "statement_list")).named_children
            decides = any(nodes(first, "if_statement"))
            yield line(depth, brief(head[0]) if head else "else", "->", "" if decides else brief(first))
            inner = [first] * decides + rest + [part for part in inner if part.type == "else_clause"]
            depth += 1
        case "function_statement":
            yield line(depth, "function", text(next(nodes(node, "function_name"))))
            depth += 1
        case "pipeline" if block_of := re.match(r"\$\w+ = \{", text(node)):
            yield line(depth, block_of[0])
            depth += 1
        case "flow_control_statement":
            yield line(depth, brief(node))
            inner = []
        case "pipeline" if is_step(node):
            yield line(depth, brief(node))
            inner = []
    for part in inner:
        yield from outline(part, depth)


def is_step(node: Node) -> bool:
    """Return whether a statement is a comparison, a truth or one of the steps above."""
    if any(nodes(node, "statement_block", "script_block")):
        return False
    return any(nodes(node, "comparison_operator")) or re.match(STEP, text(node)) is not None


def brief(node: Node) -> str:
    """Return a statement without its messages."""
    source = text(node)
    for string in nodes(node, "string_literal"):
        if text(string).count(" ") > 2 and text(string) != source:
            source = source.replace(text(string), "")
    return source


def line(depth: int, *parts: str) -> str:
    return "  " * depth + textwrap.shorten(" ".join(parts), 90, placeholder=" ...")


@pytest.mark.parametrize("name", NAMES)
def test_every_step_and_decision_is_the_intended_one(name: str) -> None:
    assert "\n".join(outline(tree(name))) == textwrap.dedent(OUTLINES[name]).strip()


@pytest.mark.parametrize("name", ["azure", "postdeploy"])
def test_every_temporary_file_is_removed_whatever_happens(name: str) -> None:
    written = re.findall(r"(\$\w+) = New-TemporaryFile", text(tree(name)))
    in_the_end = "".join(text(node) for node in nodes(tree(name), "finally_clause"))
    assert re.findall(r"Remove-Item (\$\w+)", in_the_end) == written


def test_programs_have_the_versions_that_the_shell_scripts_look_for() -> None:
    python = (ROOT / ".python-version").read_text().strip()
    (node,) = re.findall(r"-lt (\d+)", (ROOT / "scripts" / "find-node").read_text())
    asserted = re.findall(r"^Assert-Program (\w+) '([\d.]+)'", text(tree("prepackage")), re.MULTILINE)
    assert dict(asserted) == {"python": python, "node": f"{node}.0"}
