"""The loop: lanes advance epoch by epoch until their runs end. In reading order: loop,
pack_observer, chunk, epoch, batch_source, dispatch_size, chunk_evaluation, outcomes, host_fit,
lane_pool, first_difference."""
