"""Write the API reference: every public name of the library, from its source, as Markdown.

The source is read, not imported: signatures appear as they were written, and what has no docstring at run
time, such as a type or a constant, is described by the text below it.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "serverless_signalr"
REFERENCE = ROOT / "docs" / "api.md"

WIDTH = 110

SECTIONS = {
    "Function apps and decorators": "FunctionApp Blueprint",
    "What functions receive and return": "SignalRInvocationContext SignalRConnectionInfo SignalRRefreshInfo "
    "SignalRNegotiation SignalREndpoint SignalROutput SignalRMessage SignalRGroupAction Category",
    "Hub classes": "ServerlessHub event not_an_event requires requires_nothing Filter Call",
    "The clients of a hub": "AnyClient target Clients Groups UserGroups ClientManager",
    "Streamed answers": "stream_answer send_answer AnswerTarget Answer AnswerClient AnswerStream AnswerPiece "
    "PieceKind ANSWER_TARGET add_answers resume_answer cancel_answer MayResume AnswerInfo AnswerState "
    "AnswerStore StoredAnswer MemoryAnswerStore TableAnswerStore AnswerExistsError AnswerConflictError",
    "Who is calling": "SignalRUser platform_user Principal insecure_user_id is_deployed",
    "The REST API of the service": "ServiceClient GroupConnection Command SendMessage JoinGroup LeaveGroup "
    "CloseConnection run_sync",
    "The way to the service": "service_connection ServiceConnection Endpoint Router any_online",
    "Health": "check_health Health HealthStatus InstanceHealth",
    "Errors": "HubException ConnectionStringError ServiceError InvalidArgumentError NotFoundError "
    "PartialSendError PayloadTooLargeError ServiceUnavailableError ThrottledError UnauthorizedError "
    "ConnectionNotFoundError UserMismatchError RefreshNotSupportedError",
    "Names and limits": "check_hub_name check_group_name MAX_BODY",
}
"""The names that ``serverless_signalr`` exports, in the order of the guide."""

TESTING = {
    "Testing: calls": "call connect disconnect request fire Called Response",
    "Testing: what was sent": "Sent Message message Recipient GroupAction Closed StreamItem",
    "Testing: the service and its clients": "FakeService FakeConnection",
    "Testing: what functions receive": "invocation_context principal connection_info",
}
"""The names that ``serverless_signalr.testing`` exports."""

LOCAL_TESTING = {
    "Testing whole apps": "SignalRTest Client Response Faults ConnectionRefused ExpectationError",
    "Testing whole apps without async": "BlockingSignalRTest BlockingClient",
}
"""The names that ``signalr_local.testing`` exports."""

DOORS = {
    "serverless_signalr": SECTIONS,
    "serverless_signalr.testing": TESTING,
    "signalr_local.testing": LOCAL_TESTING,
}

INTRODUCTION = """\
# API reference

Everything that `serverless_signalr` exports, made from its source by `scripts/api-reference`. Import these \
names from `serverless_signalr` itself, and those under Testing from `serverless_signalr.testing`; \
[guide.md](guide.md) shows how to use them. Those under Testing whole apps are in `signalr_local.testing`, \
which the local runtime brings along; [testing.md](testing.md) shows them. Modules and names that \
are not on this page are internal and may change in any release.
"""

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """Hold one module: what it exports, and where each of these names was written."""

    name: str
    tree: ast.Module
    exports: list[str]
    definitions: dict[str, "Definition"] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)


@dataclass
class Definition:
    """Hold a statement that gives a name its meaning, and the text below it."""

    node: ast.stmt
    text: str = ""


def reference() -> str:
    """Return the whole page."""
    modules = {module.name: module for module in _modules()}
    parts = [
        INTRODUCTION,
        "\n".join(f"- [{title}](#{_anchor(title)})" for each in DOORS.values() for title in each),
    ]
    for door_name, sections in DOORS.items():
        door = modules[door_name]
        described = [name for names in sections.values() for name in names.split()]
        if sorted(described) != sorted(door.exports):
            odd = ", ".join(sorted(set(described) ^ set(door.exports)))
            raise SystemExit(f"the sections and __all__ of {door_name} differ in: {odd}")
        for title, names in sections.items():
            parts.append(f"## {title}")
            for name in names.split():
                parts += _entry(door, name, modules)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _entry(door: Module, name: str, modules: dict[str, Module]) -> Iterator[str]:
    """Describe a name, and before a class the public base of the same module that holds its members."""
    home, source = _home(door, name, modules)
    definition = home.definitions[source]
    if isinstance(definition.node, ast.ClassDef):
        names = [base.id for base in definition.node.bases if isinstance(base, ast.Name)]
        for base in names:
            is_shown = base.startswith("_") or base in home.shown or base in door.exports
            if base in home.definitions and not is_shown:
                home.shown.add(base)
                shown = home.definitions[base]
                assert isinstance(shown.node, ast.ClassDef)
                node = _with_inherited(shown.node, home, door, modules)
                yield from _definition(base, replace(shown, node=node))
        definition = replace(definition, node=_with_inherited(definition.node, home, door, modules))
    yield from _definition(source, definition)


def _with_inherited(
    node: ast.ClassDef, home: Module, door: Module, modules: dict[str, Module]
) -> ast.ClassDef:
    """Return a class with the members of its bases in inner modules, and without these bases."""
    bases, body = [], list(node.body)
    for base in node.bases:
        source = home.imports.get(ast.unparse(base), ("", ""))[0]
        if source not in modules or ast.unparse(base) in door.exports:
            bases.append(base)
            continue
        owner, name = _home(home, ast.unparse(base), modules)
        inherited = owner.definitions[name].node
        assert isinstance(inherited, ast.ClassDef)
        own = {item.name for item in body if isinstance(item, Function.__value__)}
        body += [
            item for item in inherited.body if isinstance(item, Function.__value__) and item.name not in own
        ]
    return ast.ClassDef(**{**vars(node), "bases": bases, "body": body})


def _modules() -> Iterator[Module]:
    local = ROOT / "signalr_local"
    paths = [*PACKAGE.rglob("*.py"), *(local / "testing").glob("*.py"), local / "emulator" / "faults.py"]
    for path in sorted(paths):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        module = Module(name, _read(path), [])
        body = module.tree.body
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                module.imports |= {
                    alias.asname or alias.name: (node.module, alias.name) for alias in node.names
                }
        for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            match node:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as names):
                    module.exports = ast.literal_eval(names)
                case ast.Assign(targets=[ast.Name(id=known)]) | ast.AnnAssign(target=ast.Name(id=known)):
                    module.definitions[known] = Definition(node, _string(following))
                case ast.TypeAlias(name=ast.Name(id=known)):
                    module.definitions[known] = Definition(node, _string(following))
                case (
                    ast.FunctionDef(name=known) | ast.AsyncFunctionDef(name=known) | ast.ClassDef(name=known)
                ):
                    module.definitions[known] = Definition(node, ast.get_docstring(node) or "")
        yield module


def _read(path: Path) -> ast.Module:
    """Return a module with its annotations as a reader wants them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = {
        node.name.id: node.value
        for node in tree.body
        if isinstance(node, ast.TypeAlias) and node.name.id.startswith("_")
    }
    plain = _Plain(private)
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
                node.annotation = plain.visit(annotation)
            case (
                ast.FunctionDef(returns=ast.expr() as returns)
                | ast.AsyncFunctionDef(returns=ast.expr() as returns)
            ):
                node.returns = plain.visit(returns)
    return tree


class _Plain(ast.NodeTransformer):
    """Take off the quotes that keep an annotation from being evaluated too early, and spell aliases out."""

    def __init__(self, aliases: Mapping[str, ast.expr]) -> None:
        self._aliases = aliases

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node if ast.unparse(node.value) == "Literal" else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._aliases.get(node.id, node)


def _home(module: Module, name: str, modules: dict[str, Module]) -> tuple[Module, str]:
    while name not in module.definitions:
        source, name = module.imports[name]
        module = modules[source]
    return module, name


def _definition(name: str, definition: Definition) -> Iterator[str]:
    match definition.node:
        case ast.ClassDef() as node:
            yield f"### class {name}"
            yield _code(_class_line(node, _init(node)))
            yield _prose(definition.text)
            yield from _members(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef() as function:
            yield f"### {name}()"
            yield _code(_signature(function))
            yield _prose(definition.text)
        case node:
            yield f"### {name}"
            yield _code(ast.unparse(node))
            yield _prose(definition.text)


def _init(node: ast.ClassDef) -> Function | None:
    return next(
        (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None
    )


def _class_line(node: ast.ClassDef, init: Function | None) -> str:
    decorators = [f"@{ast.unparse(item)}" for item in node.decorator_list]
    parameters = f"[{', '.join(map(ast.unparse, node.type_params))}]" if node.type_params else ""
    bases = ", ".join(map(ast.unparse, [*node.bases, *(item for item in node.keywords)]))
    lines = [*decorators, f"class {node.name}{parameters}" + (f"({bases})" if bases else "")]
    if init is not None and len(init.args.args) + len(init.args.kwonlyargs) > 1:
        lines.append(_call(f"{node.name}", init, skip_self=True))
    return "\n".join(lines)


def _members(node: ast.ClassDef) -> Iterator[str]:
    fields: list[str] = []
    body = node.body
    for item, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        match item:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                default = f" = {ast.unparse(item.value)}" if item.value is not None else ""
                shown = f"{name}: {ast.unparse(item.annotation)}{default}"
                text = _inline(_string(following))
                fields.append(f"- `{shown}`" + (f": {text}" if text else ""))
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                fields.append(f"- `{ast.unparse(item)}`")
    if fields:
        yield "\n".join(fields)
    for item in body:
        match item:
            case ast.FunctionDef(name="__init__") | ast.AsyncFunctionDef(name="__init__") if (
                ast.get_docstring(item)
            ):
                yield _prose(ast.get_docstring(item) or "")
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not item.name.startswith("_"):
                if any(ast.unparse(decorator).endswith(".setter") for decorator in item.decorator_list):
                    continue
                yield f"#### {node.name}.{item.name}{'' if _is_property(item) else '()'}"
                yield _code(_signature(item))
                yield _prose(ast.get_docstring(item) or "")


def _is_property(function: Function) -> bool:
    return any(ast.unparse(item) in ("property", "cached_property") for item in function.decorator_list)


def _signature(function: Function) -> str:
    shown = [f"@{ast.unparse(item)}" for item in function.decorator_list]
    keyword = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    parameters = f"[{', '.join(map(ast.unparse, function.type_params))}]" if function.type_params else ""
    return "\n".join([*shown, _call(f"{keyword} {function.name}{parameters}", function)])


def _call(start: str, function: Function, *, skip_self: bool = False) -> str:
    """Return a signature in one line where it fits, else with a line for each parameter, as ruff does."""
    parameters = _parameters(function.args)
    if skip_self:
        parameters = parameters[1:]
    returns = "" if function.returns is None or skip_self else f" -> {ast.unparse(function.returns)}"
    line = f"{start}({', '.join(parameters)}){returns}"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"{start}(\n{rows}){returns}"


def _parameters(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    shown = [_parameter(item, default) for item, default in zip(positional, defaults, strict=True)]
    if arguments.posonlyargs:
        shown.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg is not None:
        shown.append("*" + _parameter(arguments.vararg, None))
    elif arguments.kwonlyargs:
        shown.append("*")
    shown += [
        _parameter(item, default)
        for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        shown.append("**" + _parameter(arguments.kwarg, None))
    return shown


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    shown = argument.arg
    if argument.annotation is not None:
        shown += f": {ast.unparse(argument.annotation)}"
    if default is not None:
        equals = " = " if argument.annotation is not None else "="
        shown += equals + ast.unparse(default)
    return shown


def _string(node: ast.stmt) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
    return ""


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _inline(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _prose(text: str) -> str:
    """Return a docstring as Markdown: one line a paragraph, and what is indented as code."""
    paragraphs: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("    "):
            lines = (line[4:] for line in paragraph.splitlines())
            paragraphs.append(_code("\n".join(lines)))
        else:
            paragraphs.append(re.sub(r"::$", ":", _inline(paragraph)))
    return "\n\n".join(paragraphs)


def main() -> None:
    REFERENCE.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"{REFERENCE.relative_to(ROOT)} is written.\n")


if __name__ == "__main__":
    main()
