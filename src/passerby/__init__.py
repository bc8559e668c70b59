"""Passerby: find the same person again across cameras that do not overlap."""

__version__ = "0.1.0"
