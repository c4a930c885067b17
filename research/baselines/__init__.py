"""Host estimators: baselines that are fitted on the host instead of trained by updates. In reading
order: estimator (what one is), constant (the simplest)."""
