"""Images to embeddings: networks, bundles that keep them, and the embedder that runs them."""
