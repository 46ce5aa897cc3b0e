"""Trains, calibrates, exports and evaluates the router's classifiers."""
