"""Samples in: reading data sets, decoding pictures, batching and augmenting them."""

from passerby.data.dataset import Dataset
from passerby.data.formats import FORMATS, ReadOptions, read_dataset

__all__ = ["FORMATS", "Dataset", "ReadOptions", "read_dataset"]
