"""Host estimators: baselines that are fitted on the host instead of trained by updates. In reading
order: estimator (what one is), constant (the simplest), cores (how many threads a fit may use),
scikit_learn (how its estimators are fitted), neighbors, generative, penalized, support_vectors,
trees, gaussian_process, stages (iterations of boosting), boosting, lightgbm, optional_library,
xgboost, catboost; without labels factorizations, clusterer (what a clustering is), lloyd (k-means
on the device), kmeans, clusterings; stored_predictor (what runs keep)."""
