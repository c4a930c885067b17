"""How lanes run on devices. In reading order: strategy, strategy_choice, backend (the protocol),
vmap (lanes on one device), pmap (one run over several), lane_functions (what both map),
chunk_functions (mapped and compiled), batch_layout, device_memory."""
