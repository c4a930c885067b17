"""Records: what went wrong with a failed run, in one line."""

import traceback

from research.sweeps.records.record import Record


def failed(error: str) -> Record:
    return Record("a", "failed", {}, error=error)


def test_the_cause_is_the_last_exception_without_traceback_and_notes() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            error = MemoryError("no room\n  for 36 bytes\nat all")
            error.add_note("--------------------\nSome frames are left out.")
            raise error from None
    except MemoryError:
        assert failed(traceback.format_exc()).cause == "MemoryError: no room"
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError:
        assert failed(traceback.format_exc()).cause == "ValueError: second"


def test_a_text_without_traceback_is_its_own_cause() -> None:
    assert failed("out of memory").cause == "out of memory"
    assert failed("").cause == ""
