"""Flags of where a data set lies while runs read it: on the device, or streamed from the host."""

import re

from absl import flags

from research.errors import UserError
from research.training.engine.chunk import StreamingPolicy

DEVICE_DATA_LIMIT = flags.DEFINE_string(
    "device_data_limit", "2G", "stream inputs larger than this from the host"
)
DATA_WORKERS = flags.DEFINE_integer(
    "data_workers", 0, "processes that read streamed data ahead; 0: threads", lower_bound=0
)


def memory() -> StreamingPolicy:
    """What of the data lies on the device, as the flags say. Raises UserError on a size that is
    none."""
    return StreamingPolicy(_bytes(DEVICE_DATA_LIMIT.value), DATA_WORKERS.value)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip())
    if match is None:
        raise UserError(f"device_data_limit={text}: expected a size such as 512M or 4G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2] or " "))
