"""People and cameras out of nothing: pictures of synthetic people, drawn without a GPU.

Importing this package is light; panda3d is loaded when the first picture is drawn.
"""

from passerby.synthetic.generate import render_people
from passerby.synthetic.sheet import contact_sheet

__all__ = ["contact_sheet", "render_people"]
