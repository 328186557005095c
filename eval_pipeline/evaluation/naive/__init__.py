"""Systems without a model: rules, templates, the nearest golden item, logistic regression."""
