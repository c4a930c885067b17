"""The loop: lanes advance epoch by epoch until their runs end. In reading order: loop,
pack_observer, chunk, chunk_batches, batch_source, dispatch_size, chunk_evaluation,
recomputed_statistics, outcomes, host_fit, lane_pool, first_difference."""
