"""How lanes run on devices. In reading order: strategy, strategy_choice, lanes (mapped over one
device), parallel (one run over several), batch_layout, device_memory."""
