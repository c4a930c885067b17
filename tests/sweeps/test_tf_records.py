"""TFRecords: published checksums, and the bytes of TensorBoard's own writer."""

import io

import numpy as np
import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

from research.sweeps.records.tf_records import crc32c, framed


@pytest.mark.parametrize(
    ("message", "checksum"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_checksums_are_those_of_rfc_3720(message: bytes, checksum: int) -> None:
    assert crc32c([message]).tolist() == [checksum]


def test_frames_are_those_of_tensorboards_writer() -> None:
    generator = np.random.default_rng(0)
    messages = [generator.bytes(int(length)) for length in generator.integers(4, 700, 50)]
    expected = io.BytesIO()
    writer = RecordWriter(expected)
    for message in messages:
        writer.write(message)
    assert framed(messages) == expected.getvalue()


def test_no_message_is_no_frame() -> None:
    assert framed([]) == b""
