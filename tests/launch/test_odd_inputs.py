"""Odd inputs: each is read as its author meant it, or refused in one line; none silently, none with
a traceback."""

import importlib
import pkgutil
import shlex
from pathlib import Path

import pytest

from tests.launch import odd_inputs
from tests.launch.odd_inputs.case import Case
from tests.support.command_lines import Result, run_all

AREAS = sorted(
    module.name for module in pkgutil.iter_modules(odd_inputs.__path__) if module.name != "case"
)
CASES = {
    f"{area}: {case.name}": case
    for area in AREAS
    for case in importlib.import_module(f"tests.launch.odd_inputs.{area}").CASES
}


def run(case: Case, folder: Path) -> Result:
    case.write(folder)
    (result,) = run_all([shlex.split(case.command)], folder)
    return result


@pytest.mark.parametrize("name", CASES)
def test_is_read_as_meant_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    result = run(case, tmp_path)
    text = result.out + result.err
    assert "Traceback" not in text, text
    assert result.code == case.code, text
    if case.code == 2:
        assert len(result.err.strip().splitlines()) == 1, result.err
    for said in case.says:
        assert said in text
    if case.reads is not None:
        case.reads(tmp_path)
