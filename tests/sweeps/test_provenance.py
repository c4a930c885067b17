"""Provenance: the commit of the code, and whether what ran is what was committed."""

import subprocess
from pathlib import Path

from research.sweeps.records.provenance import commit_of


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_changes_and_untracked_code_are_marked(tmp_path: Path) -> None:
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "a.py").write_text("a = 1\n")
    (tmp_path / "README.md").write_text("read\n")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    assert commit_of(tmp_path) == commit
    (tmp_path / "notes.txt").write_text("no code\n")
    (tmp_path / "research" / "a.pyc").write_text("ignored\n")
    assert commit_of(tmp_path) == commit
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "new.py").write_text("b = 2\n")
    assert commit_of(tmp_path) == f"{commit}+changes"
    (tmp_path / "experiments" / "new.py").unlink()
    assert commit_of(tmp_path) == commit
    (tmp_path / "README.md").write_text("changed\n")
    assert commit_of(tmp_path) == f"{commit}+changes"


def test_outside_git_it_is_unknown(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "unknown"
