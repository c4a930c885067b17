"""TensorBoard event files of records, written without TensorFlow."""

from pathlib import Path

from research.sweeps.record import Record


def write(record: Record, directory: Path) -> None:
    """Writes DIR/<run id>/events…: every curve by epoch, and the final metrics. Does nothing if it is there already."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = directory / record.run_id
    if folder.exists():
        return

    def event(tag: str, value: float, step: int) -> Event:
        return Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))

    writer = EventFileWriter(str(folder))
    for name, values in record.curves.items():
        for epoch, value in enumerate(values, 1):
            writer.add_event(event(name, value, epoch))
    for name, value in record.metrics.items():
        writer.add_event(event(f"final/{name}", value, record.steps))
    writer.close()
