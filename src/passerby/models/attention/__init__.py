"""Attention: modules that weigh or mix the positions and channels of feature maps."""
