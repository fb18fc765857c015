"""The shape of the building: imports go one way, nothing hides, budgets hold, forbidden calls are absent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from derive.order import strongly_connected

ROOT = Path(__file__).resolve().parents[2]

#: Rooms from the ground up; a module may import its own room and those before it.
STOREYS = (
    ("derive", "derive.errors", "derive.record", "derive.kept"),
    ("derive.nodes", "derive.program", "derive.functions", "derive.order", "derive.fields", "derive.closures"),
    ("derive.language",),
    ("derive.bind", "derive.interpreter"),
    ("derive.calculus",),
    ("derive.simplify",),
    ("derive.theorems",),
    ("derive.lower",),
    ("derive.targets",),
    (
        "derive.tower",
        "derive.draws",
        "derive.calls",
        "derive.moving",
        "derive.callables",
        "derive.doors",
        "derive.optim",
    ),
    ("derive.nn",),
    ("derive.verify",),
    ("derive.reports",),
    ("derive.cli", "derive.__main__"),
)
#: Modules that are text: printed into generated files, read as trees, never imported by the product.
PRINTED_TEXT = ("derive.targets.support_", "derive.targets.template_")
FORBIDDEN = {"doit", "deltasummation", "simplify", "sympify", "parse_expr", "eval", "exec"}
LIBRARY_GRADIENTS = {"backward", "grad", "conv1d_input", "conv2d_input", "conv2d_weight", "conv3d_input"} | {
    "convolution_backward", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "vjp", "jvp", "jacrev",
}  # fmt: skip


def product_files() -> list[Path]:
    found = [ROOT / "cli.py"]
    for room in ("derive", "verify", "reports"):
        found += sorted(p for p in (ROOT / room).rglob("*.py") if "catalogue" not in p.parts)
    return found


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "derive":
        parts.insert(0, "derive")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(p): ast.parse(p.read_text(encoding="utf-8")) for p in product_files()}
PATHS = {module_name(p): p for p in product_files()}


def imported(tree: ast.AST, *, top_level: bool = False) -> set[str]:
    """Modules imported, absolute; relative imports are not used in this project.  ``if TYPE_CHECKING`` is not run."""
    names: set[str] = set()
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    if top_level:
        hidden |= {
            id(node)
            for block in ast.walk(tree)
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(block)
        }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            names |= {node.module or ""} | {f"{node.module}.{a.name}" for a in node.names}
    return names


def storey(module: str) -> int:
    matches = [
        (len(room), level)
        for level, rooms in enumerate(STOREYS)
        for room in rooms
        if module == room or module.startswith(room + ".")
    ]
    return max(matches)[1]


def violations(trees: dict[str, ast.Module]) -> list[str]:
    """Imports that go up a storey."""
    return [
        f"{module} imports {target}"
        for module, tree in trees.items()
        for target in sorted(imported(tree) & set(TREES))
        if storey(target) > storey(module)
    ]


def test_every_module_has_a_storey():
    assert [m for m in TREES if m != "derive" and storey(m) == 0 and m not in STOREYS[0]] == []


def test_imports_go_one_way():
    assert violations(TREES) == []


def test_an_upward_import_is_seen():
    planted = ast.parse("def f():\n    import derive.cli")
    assert violations({"derive.calculus.adjoint": planted}) == ["derive.calculus.adjoint imports derive.cli"]


def test_no_import_cycles():
    graph = {
        m: tuple(sorted(t for t in imported(tree, top_level=True) if t in TREES and t != m))
        for m, tree in TREES.items()
    }
    cycles = [group for group in strongly_connected(graph) if len(group) > 1]
    assert cycles == []


def test_heavy_libraries_are_imported_inside_functions():
    heavy = {"torch", "triton"}
    found = [
        f"{module} imports {name}"
        for module, tree in TREES.items()
        if not module.startswith(("derive.verify", *PRINTED_TEXT))
        for name in sorted(imported(tree, top_level=True))
        if name.split(".")[0] in heavy
    ]
    assert found == []


def calls(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, called name) for every call, by attribute or plain name."""
    return [
        (node.lineno, getattr(node.func, "attr", getattr(node.func, "id", "")))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_no_forbidden_sympy_or_eval():
    ours = {"simplify"}  # our own pass has that name; SymPy's would be called on an expression through sympy
    found = [
        f"{module}:{line} {name}"
        for module, tree in TREES.items()
        for line, name in calls(tree)
        if name in FORBIDDEN - ours
    ]
    found += [f"{m} imports sympy.simplify" for m, tree in TREES.items() if "sympy.simplify" in imported(tree)]
    allowed = {"derive.targets.files"}  # runs the module it has just generated
    assert [f for f in found if f.split(":")[0] not in allowed] == []


def test_no_library_gradient_in_derive():
    """A gradient here is derived; the rooms of derive/ never call torch's (``ctx`` hooks are ours)."""
    found = []
    for module, tree in TREES.items():
        if module.startswith(("derive.verify", "derive.reports", "derive.cli")):
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LIBRARY_GRADIENTS
            ):
                owner = ast.unparse(node.func.value)
                if "torch" in owner or owner in ("F", "functional", "autograd"):
                    found.append(f"{module}:{node.lineno} {ast.unparse(node.func)}")
    assert found == []


@pytest.mark.parametrize("module", sorted(TREES))
def test_budgets(module: str):
    """Files stay under 400 lines and functions under 60: past that an idea wants a place of its own."""
    lines = PATHS[module].read_text(encoding="utf-8").count("\n")
    long = [
        f"{node.name} {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > 60
    ]
    assert lines <= 400 and long == []


def test_machinery_knows_no_layer():
    """No catalogue name stands in the machinery as a string: a derivation cannot special-case a layer."""
    from derive.functions import FUNCTIONS
    from derive.language import catalogue_index
    from derive.targets.operations import COMMON

    names = set(catalogue_index()) - set(FUNCTIONS) - set(COMMON) - {"scatter_add"}  # steps of an array plan
    machinery = (
        "derive.language",
        "derive.calculus",
        "derive.simplify",
        "derive.lower",
        "derive.targets",
        "derive.tower",
        "derive.callables",
    )
    found = [
        f"{module}:{node.lineno} {node.value!r}"
        for module, tree in TREES.items()
        if module.startswith(machinery)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]
    assert found == []
