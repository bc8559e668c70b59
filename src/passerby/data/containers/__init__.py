"""Files that hold pictures: archives, MATLAB files and tables, read in place."""

from passerby.data.containers.container import LARGEST_FILE, Container
from passerby.data.containers.opening import is_container, open_container, open_indexed, read_bytes, within

__all__ = ["LARGEST_FILE", "Container", "is_container", "open_container", "open_indexed", "read_bytes", "within"]
