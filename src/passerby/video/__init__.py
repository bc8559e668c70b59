"""From cameras to sightings: sources of frames, people found in them, followed, and put into a gallery."""
