"""Metrics learnt from labelled embeddings."""

from passerby.retrieval.metric.kissme import kissme
from passerby.retrieval.metric.mahalanobis import MahalanobisMetric
from passerby.retrieval.metric.xqda import xqda

__all__ = ["MahalanobisMetric", "kissme", "xqda"]
