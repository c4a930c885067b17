"""Saving a pack and resuming it exactly. In reading order: snapshot, snapshot_format,
checkpoints, checkpoint_writer, pack_manifest, best_and_last, checksum."""
