"""Re-ranking: better distances from what the pictures' neighbours say."""

from passerby.retrieval.rerank.live import ReciprocalGallery
from passerby.retrieval.rerank.reciprocal import k_reciprocal

__all__ = ["ReciprocalGallery", "k_reciprocal"]
