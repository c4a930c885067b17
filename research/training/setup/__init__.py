"""What is settled on the host before the first update. In reading order: program (what lanes
share), host (runs without a program of updates), lane_inputs (what each lane brings), validate
(completes and checks a config), compatibility (architectures and features), rows_read (batches
and parts that read validation rows), effects (settings that would have no effect), warm_start
(parameters of another run)."""
