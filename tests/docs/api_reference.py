"""Write the API reference: every public name of the library, from its source, as Markdown.

The source is read, not imported: signatures appear as they were written, and what has no docstring at run
time, such as a type or a constant, is described by the text below it.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "serverless_signalr"
REFERENCE = ROOT / "docs" / "api.md"

WIDTH = 110

FOR_APPS = (
    "serverless_signalr",
    "serverless_signalr.bindings",
    "serverless_signalr.models",
    "serverless_signalr.hub",
    "serverless_signalr._hub.methods",
    "serverless_signalr._hub.proxy",
    "serverless_signalr._hub.managers",
    "serverless_signalr._hub.authorization",
    "serverless_signalr.principal",
    "serverless_signalr.rest",
    "serverless_signalr._rest.background",
    "serverless_signalr.errors",
    "serverless_signalr.connection",
    "serverless_signalr._connection.router",
    "serverless_signalr.health",
    "serverless_signalr._connection.settings",
    "serverless_signalr.endpoint",
    "serverless_signalr.protocol.names",
)
"""What an app imports, in the order of the guide; every other module follows, in the order of its name."""

INTRODUCTION = """\
# API reference

Everything that `serverless_signalr` exports, made from its source by `scripts/api-reference`; \
[guide.md](guide.md) shows how to use it. Names that are not here are the library's own and may change.
"""

FIRST_PART = "What an app imports."
SECOND_PART = """\
What the library is made of. An app does not need these modules; they are here because tests and tools may, \
as the local runtime does.
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


@dataclass
class Definition:
    """Hold a statement that gives a name its meaning, and the text below it."""

    node: ast.stmt
    text: str = ""


def reference() -> str:
    """Return the whole page."""
    modules = {module.name: module for module in _modules()}
    unknown = set(FOR_APPS) - set(modules)
    if unknown:
        raise SystemExit(f"there is no module {', '.join(sorted(unknown))}: correct FOR_APPS")
    others = [name for name in sorted(modules) if name not in FOR_APPS]
    parts = [INTRODUCTION, *_contents(FIRST_PART, FOR_APPS), *_contents(SECOND_PART, others)]
    for name in (*FOR_APPS, *others):
        parts += _module(modules[name], modules)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        module = Module(name, _read(path), [])
        body = module.tree.body
        for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            match node:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as names):
                    module.exports = ast.literal_eval(names)
                case ast.ImportFrom(module=str(source), names=names):
                    module.imports |= {alias.asname or alias.name: (source, alias.name) for alias in names}
                case ast.Assign(targets=[ast.Name(id=known)]) | ast.AnnAssign(target=ast.Name(id=known)):
                    module.definitions[known] = Definition(node, _string(following))
                case ast.TypeAlias(name=ast.Name(id=known)):
                    module.definitions[known] = Definition(node, _string(following))
                case (
                    ast.FunctionDef(name=known) | ast.AsyncFunctionDef(name=known) | ast.ClassDef(name=known)
                ):
                    module.definitions[known] = Definition(node, ast.get_docstring(node) or "")
        if module.exports:
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


def _contents(title: str, names: tuple[str, ...] | list[str]) -> list[str]:
    return [title, "\n".join(f"- [{name}](#{name.replace('.', '')})" for name in names)]


def _module(module: Module, modules: dict[str, Module]) -> Iterator[str]:
    yield f"## {module.name}"
    yield _prose(ast.get_docstring(module.tree) or "")
    elsewhere = [name for name in module.exports if name not in module.definitions]
    if module.name == "serverless_signalr":
        yield "Exports what is described below: " + ", ".join(
            f"[`{name}`](#{module.imports[name][0].replace('.', '')})" for name in sorted(elsewhere)
        )
        return
    for name in _with_bases(module):
        home, source = _home(module, name, modules)
        if home is not module and home.name in FOR_APPS:
            yield f"### {name}"
            yield f"See [{home.name}](#{home.name.replace('.', '')})."
        else:
            yield from _definition(source, home.definitions[source])


def _with_bases(module: Module) -> Iterator[str]:
    """Yield what a module exports, and before a class the bases of the same module that it inherits from."""
    seen: set[str] = set()
    for name in module.exports:
        definition = module.definitions.get(name)
        bases = definition.node.bases if definition and isinstance(definition.node, ast.ClassDef) else []
        for known in (*(base.id for base in bases if isinstance(base, ast.Name)), name):
            is_ours = known == name or (known in module.definitions and not known.startswith("_"))
            if is_ours and known not in seen:
                seen.add(known)
                yield known


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
