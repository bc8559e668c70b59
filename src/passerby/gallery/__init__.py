"""The gallery: sightings kept, found in milliseconds, never lost, and forgotten when they must be."""

from passerby.gallery.access import open_gallery

__all__ = ["open_gallery"]
