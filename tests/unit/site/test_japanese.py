"""Problems of a site file in Japanese: every sentence that the package can say has one."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance.site
from appliance.site.japanese import japanese
from appliance.site.reader import read

SLOT = "«7»"


def sentences_of(module: Path) -> Iterator[str]:
    """Every text given to `error`, `warn`, `ConfigError`, `Reading` and their helpers, a sign for each value in it."""
    for function in ast.walk(ast.parse(module.read_text())):
        if not isinstance(function, ast.FunctionDef):
            continue
        local = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("error", "warn") and len(node.args) == 2:
                yield from texts(node.args[1], local)
            elif name == "_problem":
                for what, right in itertools.product(
                    texts(node.args[1], local), texts(node.args[2], constants(module))
                ):
                    yield f"{SLOT} {what}; {right}"
            elif name == "ConfigError" and function.name != "_problem" and isinstance(node.args[0], ast.List):
                yield from texts(node.args[0].elts[0], local)


def constants(module: Path) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def texts(node: ast.expr, local: dict[str, ast.expr]) -> list[str]:
    """What the expression can be."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return texts(node.body, local) + texts(node.orelse, local)
    if isinstance(node, ast.BinOp):
        return ["".join(pair) for pair in itertools.product(texts(node.left, local), texts(node.right, local))]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*(texts(part, local) for part in node.values))]
    if isinstance(node, ast.FormattedValue):
        return texts(node.value, local)
    if isinstance(node, ast.Name):
        if node.id == "near":
            return [""]
        if isinstance(local.get(node.id), ast.Constant | ast.IfExp | ast.JoinedStr | ast.BinOp):
            return texts(local[node.id], local)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "meant":
        return [""]
    return [SLOT]


def every_sentence() -> list[str]:
    folder = Path(appliance.site.__file__).parent
    found = {text for module in sorted(folder.glob("*.py")) for text in sentences_of(module)}
    rights = [
        right
        for node in ast.walk(ast.parse((folder / "fields.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_matching"
        for right in texts(node.args[1], {})
    ]
    found |= {f"{SLOT} is not {right}" for right in rights}
    return sorted(text for text in found if text not in (SLOT, f"{SLOT} is not {SLOT}"))


@pytest.mark.parametrize("sentence", every_sentence())
def test_every_sentence_has_its_japanese(sentence: str) -> None:
    said = japanese(f"queues[0].strategy: {sentence}")
    assert said.startswith("queues[0].strategy: ") and any("ぁ" <= sign <= "ヿ" for sign in said), said


def test_there_are_many() -> None:
    assert len(every_sentence()) > 80


def test_values_are_taken_over_and_a_near_word_is_named() -> None:
    assert japanese('queues[0].strategy: unknown strategy "foo"; one of longest-idle, ring-all') == (
        'queues[0].strategy: 呼び出し方式 "foo" はありません。使えるのは longest-idle, ring-all'
    )
    assert japanese('agents[0].queues[0]: unknown queue "suport"; one of support (did you mean "support"?)') == (
        'agents[0].queues[0]: キュー "suport" はありません。使えるのは support（"support" のことですか）'
    )
    assert japanese('queues[0].number: "201" is already the number of extension 201 (extensions[0].number)') == (
        'queues[0].number: "201" はすでに内線 201（extensions[0].number）の番号です'
    )


def test_what_it_does_not_know_stays_as_it_is() -> None:
    assert japanese("something else: entirely") == "something else: entirely"


def test_a_whole_file_is_told_in_japanese() -> None:
    reading = read(
        '[site]\nlanguage = "jp"\ntimezone = "Asia/Tokio"\ncountry = "Japan"\n'
        '[[extensions]]\nnumber = "110"\n[[extensions]]\nnumber = 201\n[[queues]]\nid = "a b"\nstrategy = "longest"\n'
        '[[hours]]\nid = "x"\nopen = ["someday 9:00-18:00"]\ninside = "queue:none"\n[nonsense]\n'
    )
    assert len(reading.errors) > 5
    for problem in (*reading.errors, *reading.warnings):
        assert japanese(problem) != problem, problem
