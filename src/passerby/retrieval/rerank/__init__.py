"""Re-ranking: better distances from what the pictures' neighbours say."""

from passerby.retrieval.rerank.cross_neighbourhood import expanded_cross_neighbourhood
from passerby.retrieval.rerank.divide import divide_and_fuse
from passerby.retrieval.rerank.graph import graph_propagation
from passerby.retrieval.rerank.live import ReciprocalGallery
from passerby.retrieval.rerank.manifold import diffusion
from passerby.retrieval.rerank.pulling import similar_top_dissimilar_bottom
from passerby.retrieval.rerank.reciprocal import k_reciprocal

__all__ = [
    "ReciprocalGallery",
    "diffusion",
    "divide_and_fuse",
    "expanded_cross_neighbourhood",
    "graph_propagation",
    "k_reciprocal",
    "similar_top_dissimilar_bottom",
]
