"""TFRecord files, the frames of TensorBoard's events, written without TensorFlow.

TensorBoard's own writer computes its checksums byte by byte in Python, which took three quarters of
the time of an export. Here numpy computes those of many messages at once.
"""

import functools
import struct
from collections.abc import Sequence

import numpy as np

# CRC-32C (Castagnoli), its bits reversed.
_POLYNOMIAL = 0x82F63B78
_ONES = np.uint32(0xFFFFFFFF)
# A stored checksum is rotated and shifted by this, since a checksum over data that holds checksums
# is weak.
_MASK = np.uint32(0xA282EAD8)


def framed(messages: Sequence[bytes]) -> bytes:
    """The messages as TFRecords: length, its checksum, the message, its checksum.

    Args:
        messages: the messages; each has at least four bytes.
    """
    if not messages:
        return b""
    lengths = [struct.pack("<Q", len(message)) for message in messages]
    parts = zip(lengths, _checksums(lengths), messages, _checksums(messages), strict=True)
    return b"".join(part for record in parts for part in record)


def _checksums(messages: Sequence[bytes]) -> list[bytes]:
    """The masked CRC-32C of each message, as four bytes."""
    crc = crc32c(messages)
    masked = (crc >> 15 | crc << 17) + _MASK
    return [value.tobytes() for value in masked.astype("<u4")]


def crc32c(messages: Sequence[bytes]) -> np.ndarray:
    """The CRC-32C of each message, uint32 [N].

    A CRC is linear: it is the exclusive or of what each byte contributes by its value and its
    distance from the message's end. So it is one look-up per byte, without a loop over bytes.

    Args:
        messages: the messages; each has at least four bytes.

    Reference: RFC 3720, appendix B.4.

    Example:
        >>> hex(crc32c([b"123456789"])[0])
        '0xe3069283'
    """
    lengths = np.array([len(message) for message in messages])
    ends = lengths.cumsum()
    starts = ends - lengths
    content = np.frombuffer(b"".join(messages), np.uint8).copy()
    # A CRC begins with all bits set, which is the same as inverting the first four bytes.
    content[(starts[:, None] + np.arange(4)).ravel()] ^= 0xFF
    distances = np.repeat(ends - 1, lengths) - np.arange(content.size)
    # A power of two, so that few tables are made for messages of many lengths.
    table = _contributions(1 << int(lengths.max() - 1).bit_length())
    contributions = table[distances, content]
    return np.bitwise_xor.reduceat(contributions, starts) ^ _ONES


@functools.cache
def _contributions(distances: int) -> np.ndarray:
    """What a byte contributes to a CRC, uint32 [distances, 256], by its distance from the end."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, crc >> 1 ^ np.uint32(_POLYNOMIAL), crc >> 1)
    table = np.empty((distances, 256), np.uint32)
    table[0] = crc
    for distance in range(1, distances):
        # One more byte of zeros follows.
        table[distance] = crc[table[distance - 1] & 0xFF] ^ table[distance - 1] >> 8
    return table
