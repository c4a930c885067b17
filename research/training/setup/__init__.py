"""What is settled on the host before the first update. In reading order: program (what lanes
share), lane_inputs (what each lane brings), validate (completes and checks a config), effects
(settings that would have no effect), warm_start (parameters of another run)."""
