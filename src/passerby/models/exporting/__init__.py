"""Models for engines other than torch in Python: ONNX, OpenVINO, torch.export; in fp32, bf16 or INT8."""
