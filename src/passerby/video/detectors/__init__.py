"""Detectors: boxes from a file, any ONNX model, and two floors that need no model."""
