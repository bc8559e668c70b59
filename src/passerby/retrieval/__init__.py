"""Distances between embeddings and exact search among them; arrays in, arrays out."""
