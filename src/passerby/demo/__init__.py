"""The main job end to end, on people out of nothing: with the shipped model, or with one trained on the spot."""
