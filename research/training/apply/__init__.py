"""What a trained network does beside training. In reading order: final_metrics, decode,
generation, attention_maps."""
