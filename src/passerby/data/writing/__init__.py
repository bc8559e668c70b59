"""Data sets in another form: Market-1501's layout, packed shards, a Parquet table."""

from passerby.data.writing.convert import Converted, Target, convert

__all__ = ["Converted", "Target", "convert"]
