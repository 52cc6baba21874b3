"""Figures that can be trusted: ratios measured side by side, in turn, in one run."""
