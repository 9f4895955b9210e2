"""ONNX files: written layer by layer, read as streams of steps."""
